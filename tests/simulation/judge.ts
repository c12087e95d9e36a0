import { businessDateOf } from '../../domain/business-date.js';
import type { ChargingState, ClickDecision, ClickToCharge } from '../../domain/charging.js';
import type { SimulatedStore } from './store.js';
import { spentIn } from './world.js';

interface Finished {
  readonly store: SimulatedStore;
  readonly log: readonly (readonly ClickToCharge[])[];
  readonly published: ReadonlyMap<string, ClickDecision>;
}

/** What must be true at the end, computed apart from the rules: plain sums over the journal. */
export function judge(initial: ChargingState, finished: Finished): string[] {
  return [
    ...everyClickOnce(finished),
    ...inLogOrder(finished),
    ...asByHand(initial, finished.store),
    ...moneyAddsUp(initial, finished.store),
  ];
}

/** What is in the log is decided once and told; what is not, is not. */
function everyClickOnce({ store, log, published }: Finished): string[] {
  const problems: string[] = [];
  const appended = new Set(log.flat().map(({ clickId }) => clickId));
  const times = new Map<string, number>();
  for (const entry of store.journal) {
    if (entry.kind === 'click') times.set(entry.click.clickId, (times.get(entry.click.clickId) ?? 0) + 1);
  }
  for (const clickId of appended) {
    if (times.get(clickId) !== 1) problems.push(`${clickId} is decided ${times.get(clickId) ?? 0} times`);
    if (!published.has(clickId)) problems.push(`${clickId} was never told`);
  }
  for (const clickId of times.keys()) {
    if (!appended.has(clickId)) problems.push(`${clickId} is decided and was never sent`);
  }
  return problems;
}

/** A partition's clicks are decided in the order in which the log first names them. */
function inLogOrder({ store, log }: Finished): string[] {
  const decided = store.journal.flatMap((entry) => (entry.kind === 'click' ? [entry.click.clickId] : []));
  const place = new Map(decided.map((clickId, index) => [clickId, index]));
  return log.flatMap((partition, index) => {
    const places = [...new Set(partition.map(({ clickId }) => clickId))].map((id) => place.get(id) ?? -1);
    const isRising = places.every((at, n) => n === 0 || at > (places[n - 1] ?? -1));
    return isRising ? [] : [`partition ${index} is decided out of order`];
  });
}

/** Decides the journal again, one click after the other, as a clerk would with a pencil. */
function asByHand(initial: ChargingState, store: SimulatedStore): string[] {
  const problems: string[] = [];
  const money = new Map(
    [...initial.advertisers].map(([id, { cashKrw, lots }]) => [
      id,
      { cash: Number(cashKrw), lots: lots.map((lot) => ({ ...lot, left: Number(lot.remainingKrw) })) },
    ]),
  );
  const spent = new Map<string, { day: string; today: number; total: number }>();
  for (const entry of store.journal) {
    if (entry.kind === 'top_up') {
      const wallet = money.get(entry.advertiserId);
      if (wallet) wallet.cash += entry.krw;
      continue;
    }
    const { click, decision, nowMs } = entry;
    const day = businessDateOf(nowMs);
    const campaign = initial.campaigns.get(click.campaignId);
    const wallet = money.get(click.advertiserId);
    const price = Number(click.tokenPriceKrw);
    const before = spent.get(click.campaignId);
    const today = before?.day === day ? before.today : 0;
    const total = before?.total ?? 0;
    const lots = wallet?.lots.filter((lot) => lot.expiresAtMs > nowMs) ?? [];
    const balance = (wallet?.cash ?? 0) + lots.reduce((sum, { left }) => sum + left, 0);
    const { signals } = click;
    const bad =
      campaign?.advertiserId !== click.advertiserId ||
      signals.expired ||
      signals.listedBot ||
      signals.sinceSameAdMs !== null ||
      signals.deviceClicksPerMinute > 20 ||
      click.isOwnAccountDevice;
    const overBudget =
      campaign !== undefined &&
      (today + price > campaign.dailyBudgetKrw ||
        (campaign.totalBudgetKrw !== null && total + price > campaign.totalBudgetKrw));
    const expected = bad
      ? 'invalid'
      : overBudget
        ? 'over_budget'
        : balance < price
          ? 'no_balance'
          : 'charged';
    if (decision.outcome !== expected)
      problems.push(`${click.clickId} is ${decision.outcome}, by hand ${expected}`);
    if (expected !== 'charged' || wallet === undefined) continue;
    let open = price;
    for (const lot of lots.sort((a, b) => a.expiresAtMs - b.expiresAtMs || a.lotId - b.lotId)) {
      const part = Math.min(open, lot.left);
      lot.left -= part;
      open -= part;
    }
    wallet.cash -= open;
    if (decision.cashKrw !== open || decision.chargedKrw !== price)
      problems.push(
        `${click.clickId} takes ${decision.cashKrw} of ${decision.chargedKrw} in cash, by hand ${open} of ${price}`,
      );
    spent.set(click.campaignId, { day, today: today + price, total: total + price });
  }
  return problems;
}

/** Won for won: what was there and came in is what was charged and what is left. */
function moneyAddsUp(initial: ChargingState, store: SimulatedStore): string[] {
  const before = spentIn(initial);
  const after = spentIn(store.state);
  let cash = before.cash - after.cash;
  let promo = before.promo - after.promo;
  for (const entry of store.journal) {
    if (entry.kind === 'top_up') cash += entry.krw;
    else {
      cash -= entry.decision.cashKrw;
      promo -= entry.decision.promoKrw;
    }
  }
  return cash === 0 && promo === 0 ? [] : [`${cash} won of cash and ${promo} of promo money do not add up`];
}
