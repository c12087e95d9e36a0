import { assertNever } from './result.js';

/** One sentence in the seller's language and in English. */
export interface BothLanguages {
  readonly ko: string;
  readonly en: string;
}

/** What the token of a click says of its price; scores are won per million impressions. */
export interface PriceFacts {
  readonly priceKrw: number;
  /** Of this ad at its full bid. */
  readonly rankScore: number;
  /** Of the next remaining ad of another advertiser; null when there was none. */
  readonly runnerUpScore: number | null;
  readonly bidFloorKrw: number;
}

/** What made the price. `rival`: the next ad; `floor`: the next ad asked for less than the lowest bid allowed. */
export const PRICE_RULES = ['no_rival', 'floor', 'rival'] as const;
export type PriceRule = (typeof PRICE_RULES)[number];

/** The bid that the score was made of, and the click-through rate that follows from it. */
export interface PriceBasis {
  readonly maxCpcKrw: number;
  readonly predictedCtrPpm: number;
}

export interface ExplainedPrice {
  readonly rule: PriceRule;
  readonly basis: PriceBasis | null;
  /** `priceKrw * predictedCtrPpm`: with it the ad still stands before the next one; a won less would not do. */
  readonly scoreAtPrice: number | null;
  readonly explanation: BothLanguages;
}

export function priceRuleOf(price: PriceFacts): PriceRule {
  if (price.runnerUpScore === null) return 'no_rival';
  return price.priceKrw > price.bidFloorKrw ? 'rival' : 'floor';
}

/**
 * The first of these bids (the newest first) that accounts for score and price together. A bid that was changed a
 * moment before the ad was served may not have reached the ranking yet, and must not be shown as the one that did.
 */
export function priceBasisOf(price: PriceFacts, bidsKrw: readonly number[]): PriceBasis | null {
  for (const maxCpcKrw of bidsKrw) {
    if (maxCpcKrw <= 0 || price.rankScore % maxCpcKrw !== 0) continue;
    const basis = { maxCpcKrw, predictedCtrPpm: price.rankScore / maxCpcKrw };
    if (basis.predictedCtrPpm <= 1_000_000 && isSmallestPrice(price, basis)) return basis;
  }
  return null;
}

/**
 * Whether `domain/auction.ts` would ask this price: the smallest whole won that keeps the slot, within floor and bid.
 * Who comes first at equal scores depends on the ids of both ads, so that an equal score is right with either answer.
 */
export function isSmallestPrice(price: PriceFacts, { maxCpcKrw, predictedCtrPpm }: PriceBasis): boolean {
  const { priceKrw, runnerUpScore, bidFloorKrw } = price;
  if (priceKrw < bidFloorKrw || priceKrw > maxCpcKrw) return false;
  if (runnerUpScore === null || predictedCtrPpm <= 0) return priceKrw === bidFloorKrw;
  const keepsSlot = priceKrw * predictedCtrPpm >= runnerUpScore;
  const oneLessIsTooLittle = priceKrw === bidFloorKrw || (priceKrw - 1) * predictedCtrPpm <= runnerUpScore;
  return keepsSlot && oneLessIsTooLittle;
}

export function explainPrice(price: PriceFacts, basis: PriceBasis | null): ExplainedPrice {
  const rule = priceRuleOf(price);
  const scoreAtPrice = basis === null ? null : price.priceKrw * basis.predictedCtrPpm;
  return { rule, basis, scoreAtPrice, explanation: sentencesOf(rule, price, basis) };
}

/** `1,234`, the same on every machine. */
export const thousands = (value: number): string => value.toLocaleString('en-US');

/** 20,000 ppm is `2`; at most four places, so that nothing is lost. */
const percentOf = (ppm: number): string => String(ppm / 10_000);

function sentencesOf(rule: PriceRule, price: PriceFacts, basis: PriceBasis | null): BothLanguages {
  const own = ownScore(price, basis);
  const floor = thousands(price.bidFloorKrw);
  const runnerUp = thousands(price.runnerUpScore ?? 0);
  switch (rule) {
    case 'no_rival':
      return {
        ko: `${own.ko} 아래에 다른 광고주의 광고가 없어 최저 입찰가 ${floor}원이 클릭당 비용입니다.`,
        en: `${own.en} No ad of another advertiser stood below it, so the click costs the bid floor, ₩${floor}.`,
      };
    case 'floor':
      return {
        ko: `${own.ko} 바로 아래 광고의 점수 ${runnerUp}점은 최저 입찰가 ${floor}원으로도 앞서므로, 클릭당 비용은 ${floor}원입니다.`,
        en: `${own.en} The bid floor, ₩${floor}, is enough to stand before the next ad with its score of ${runnerUp}, so the click costs ₩${floor}.`,
      };
    case 'rival':
      return againstRival(price, basis, own, runnerUp);
    default:
      return assertNever(rule, 'price rule');
  }
}

function ownScore({ rankScore }: PriceFacts, basis: PriceBasis | null): BothLanguages {
  const score = thousands(rankScore);
  if (basis === null) {
    return {
      ko: `이 광고의 순위 점수는 ${score}점이었습니다.`,
      en: `The rank score of this ad was ${score}.`,
    };
  }
  const bid = thousands(basis.maxCpcKrw);
  const ppm = thousands(basis.predictedCtrPpm);
  const percent = percentOf(basis.predictedCtrPpm);
  return {
    ko: `이 광고의 순위 점수는 최대 입찰가 ${bid}원 × 예상 클릭률 ${percent}%(백만 회당 ${ppm}) = ${score}점이었습니다.`,
    en: `The rank score of this ad was its highest bid, ₩${bid}, × a predicted click-through rate of ${percent}% (${ppm} per million) = ${score}.`,
  };
}

function againstRival(
  { priceKrw, runnerUpScore }: PriceFacts,
  basis: PriceBasis | null,
  own: BothLanguages,
  runnerUp: string,
): BothLanguages {
  const price = thousands(priceKrw);
  const less = thousands(priceKrw - 1);
  if (basis === null) {
    return {
      ko: `${own.ko} 바로 아래 광고의 점수는 ${runnerUp}점이었고, 이 자리를 지키는 가장 적은 금액(원 단위)이 ${price}원입니다.`,
      en: `${own.en} The next ad scored ${runnerUp}, and ₩${price} is the smallest whole won that keeps this slot.`,
    };
  }
  const atPrice = priceKrw * basis.predictedCtrPpm;
  const atLess = thousands(atPrice - basis.predictedCtrPpm);
  const tie = atPrice === runnerUpScore;
  return {
    ko: `${own.ko} 바로 아래 광고의 점수는 ${runnerUp}점이었습니다. ${price}원이면 ${thousands(atPrice)}점으로 ${tie ? '같고(같은 점수에서는 이 광고가 먼저입니다)' : '앞서고'} ${less}원이면 ${atLess}점으로 모자라므로, 이 자리를 지키는 가장 적은 금액(원 단위)은 ${price}원입니다.`,
    en: `${own.en} The next ad scored ${runnerUp}. ₩${price} gives ${thousands(atPrice)}, which ${tie ? 'is equal (and this ad comes first at equal scores)' : 'stands before it'}; ₩${less} gives ${atLess}, which does not. So ₩${price} is the smallest whole won that keeps this slot.`,
  };
}
