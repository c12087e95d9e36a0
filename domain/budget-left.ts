/** A budget with fewer clicks than this left, at the largest price just seen, is near its end. */
const NEAR_END_CLICKS = 20;
/** So is a campaign with less than this part of its daily budget. */
const NEAR_END_PART = 10;

/**
 * Whether ad servers should hear how much is left. Far from the end nobody needs to know, which keeps the signals few
 * however many clicks are charged; twenty clicks are more than what is under way between two transactions.
 */
export function isNearEnd(
  leftKrw: number,
  money: { readonly largestPriceKrw: number; readonly dailyBudgetKrw: number | null },
): boolean {
  if (leftKrw < NEAR_END_CLICKS * money.largestPriceKrw) return true;
  return money.dailyBudgetKrw !== null && leftKrw * NEAR_END_PART < money.dailyBudgetKrw;
}
