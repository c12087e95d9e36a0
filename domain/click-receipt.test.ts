import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuctionCandidate, clickPriceKrw } from './auction.js';
import { CLICK_REASONS, type ClickSignals } from './click-outcome.js';
import { explainPrice, isSmallestPrice, type PriceFacts, priceBasisOf } from './click-receipt.js';
import { explainDecision, invoicingOf } from './click-receipt-texts.js';
import { compareRanked } from './ranking.js';

const candidate = (adId: string, maxCpcKrw: number, predictedCtrPpm: number): AuctionCandidate => ({
  adId,
  advertiserId: `adv_${adId}`,
  campaignId: `cmp_${adId}`,
  productId: `prd_${adId}`,
  rankScore: maxCpcKrw * predictedCtrPpm,
  maxCpcKrw,
  predictedCtrPpm,
  bidFloorKrw: 50,
  startAt: 0,
  endAt: 1,
});
/** 500 won at 2 % before 400 won at 2 %. */
const RIVAL: PriceFacts = {
  priceKrw: 401,
  rankScore: 10_000_000,
  runnerUpScore: 8_000_000,
  bidFloorKrw: 50,
};

describe('the price of a receipt', () => {
  it('is, for whatever the auction asks, the smallest that keeps the slot', () => {
    const bid = fc.integer({ min: 50, max: 3_000 });
    const ctr = fc.integer({ min: 1, max: 200_000 });
    fc.assert(
      fc.property(bid, ctr, bid, ctr, (ownBid, ownCtr, otherBid, otherCtr) => {
        const pair = [candidate('a', ownBid, ownCtr), candidate('b', otherBid, otherCtr)] as const;
        const [first, second] = compareRanked(...pair) < 0 ? pair : [pair[1], pair[0]];
        for (const runnerUp of [second, null]) {
          const priceKrw = clickPriceKrw(first, runnerUp);
          const facts = {
            priceKrw,
            rankScore: first.rankScore,
            runnerUpScore: runnerUp?.rankScore ?? null,
            bidFloorKrw: first.bidFloorKrw,
          };
          expect(isSmallestPrice(facts, first)).toBe(true);
          // Two won more are never the smallest, whoever comes first at equal scores.
          expect(isSmallestPrice({ ...facts, priceKrw: priceKrw + 2 }, first)).toBe(false);
          expect(priceBasisOf(facts, [first.maxCpcKrw])).toEqual({
            maxCpcKrw: first.maxCpcKrw,
            predictedCtrPpm: first.predictedCtrPpm,
          });
        }
      }),
    );
  });

  it('is told with the numbers that made it, in both languages', () => {
    const told = explainPrice(RIVAL, { maxCpcKrw: 500, predictedCtrPpm: 20_000 });
    expect([told.rule, told.scoreAtPrice]).toEqual(['rival', 8_020_000]);
    expect(told.explanation.ko).toBe(
      '이 광고의 순위 점수는 최대 입찰가 500원 × 예상 클릭률 2%(백만 회당 20,000) = 10,000,000점이었습니다. 바로 아래 광고의 점수는 8,000,000점이었습니다. 401원이면 8,020,000점으로 앞서고 400원이면 8,000,000점으로 모자라므로, 이 자리를 지키는 가장 적은 금액(원 단위)은 401원입니다.',
    );
    expect(told.explanation.en).toContain('So ₩401 is the smallest whole won that keeps this slot.');
    const tie = explainPrice({ ...RIVAL, priceKrw: 400 }, { maxCpcKrw: 500, predictedCtrPpm: 20_000 });
    expect(tie.explanation.en).toContain('is equal (and this ad comes first at equal scores)');
  });

  it('says which floor was paid: alone, or before an ad that asked for less', () => {
    const alone = explainPrice({ ...RIVAL, priceKrw: 50, runnerUpScore: null }, null);
    const weak = explainPrice({ ...RIVAL, priceKrw: 50, runnerUpScore: 900_000 }, null);
    expect([alone.rule, weak.rule]).toEqual(['no_rival', 'floor']);
    expect(weak.explanation.ko).toContain('최저 입찰가 50원으로도 앞서므로');
  });

  it('never names a bid that does not account for the price: the bid before the change does', () => {
    expect(priceBasisOf(RIVAL, [800, 500])).toEqual({ maxCpcKrw: 500, predictedCtrPpm: 20_000 });
    expect(priceBasisOf(RIVAL, [300, 0, 800])).toBeNull();
    const told = explainPrice(RIVAL, null);
    expect([told.basis, told.scoreAtPrice]).toEqual([null, null]);
    expect(told.explanation.ko).toContain('가장 적은 금액(원 단위)이 401원');
  });
});

describe('the decision of a receipt', () => {
  const signals: ClickSignals = {
    tokenAgeMs: 31 * 60_000,
    expired: false,
    listedBot: false,
    deviceClicksPerMinute: 21,
    ipClicksPerMinute: 130,
    sinceSameAdMs: 1_234,
  };
  const facts = { signals, tokenPriceKrw: 1_500, cashKrw: 0, promoKrw: 0 };
  const told = (reason: (typeof CLICK_REASONS)[number]) =>
    explainDecision({ ...facts, outcome: 'invalid', reason });

  it('has a sentence of its own for every reason, with the number that decided', () => {
    const sentences = CLICK_REASONS.flatMap((reason) => Object.values(told(reason)));
    expect(new Set(sentences).size).toBe(CLICK_REASONS.length * 2);
    expect(told('double_click').en).toContain('1,234 ms before');
    expect(told('device_burst').ko).toContain('21번째 클릭입니다(한도 20번)');
    expect(told('ip_burst').en).toContain('number 130');
    expect(told('expired_token').ko).toContain('31분 뒤 도착');
    expect(told('balance_exhausted').ko).toContain('1,500원보다 적어');
  });

  it('of a charged click says which money paid', () => {
    const charged = explainDecision({
      ...facts,
      outcome: 'charged',
      reason: null,
      cashKrw: 1_200,
      promoKrw: 300,
    });
    expect(charged.ko).toContain('쿠폰 300원, 충전금 1,200원');
  });
});

describe('the invoice of a receipt', () => {
  const money = { month: '2026-11', chargedKrw: 500, cashKrw: 300, promoKrw: 200, reversedAtMs: null };
  it.each([
    ['cash before the invoice', {}, null, 'not_invoiced_yet'],
    ['cash on the invoice', {}, 9, 'invoiced'],
    ['promotional money only', { cashKrw: 0, promoKrw: 500 }, 9, 'promo_only'],
    ['nothing charged', { chargedKrw: 0, cashKrw: 0, promoKrw: 0 }, 9, 'nothing_to_invoice'],
    ['taken back before there is an invoice', { reversedAtMs: 8 }, null, 'nothing_to_invoice'],
    ['taken back before the invoice', { reversedAtMs: 8 }, 9, 'nothing_to_invoice'],
    ['taken back after the invoice', { reversedAtMs: 10 }, 9, 'invoiced'],
  ])('%s', (_what, change, draftedAtMs, state) => {
    expect(invoicingOf({ ...money, ...change, draftedAtMs }).state).toBe(state);
  });

  it('says that the promotional part of a split charge is not on it', () => {
    const { explanation } = invoicingOf({ ...money, draftedAtMs: 9 });
    expect(explanation.ko).toBe(
      '충전금 300원은 2026년 11월 세금계산서에 포함되었습니다. 쿠폰 200원은 세금계산서 대상이 아닙니다.',
    );
  });
});
