import { createClickTokens, newRequestId } from '../infra/click-token.js';
import { DEMO_SECRETS } from '../infra/config.js';
import type { BenchRow } from './bench-row.js';
import { median, ROUNDS } from './rounds.js';

const TOKENS = 2_000;
/** Rounds until the engine has compiled what a running server has. */
const WARM_UP = 4;
const ADS = 5;
const TARGET_US = 10;

/** The token of an answer with five ads: signed, and verified with everything that it says read. */
export function benchTokenVerify(): BenchRow {
  const tokens = createClickTokens(DEMO_SECRETS.CLICK_TOKEN_KEYS);
  const now = Date.now();
  const payloads = Array.from({ length: TOKENS }, () => answerAt(now));
  const signed = payloads.map((payload) => tokens.sign(payload));
  const accepted = () => {
    for (const token of signed)
      if (!tokens.verify(token, now).ok) throw new Error('a genuine token is refused');
  };
  const rounds = Array.from({ length: WARM_UP + ROUNDS }, () => ({
    sign: microsEach(() => {
      for (const payload of payloads) tokens.sign(payload);
    }),
    verify: microsEach(accepted),
  })).slice(WARM_UP);
  const verify = median(rounds.map((round) => round.verify));
  const sign = median(rounds.map((round) => round.sign));
  return {
    what: `click token of ${ADS} ads verified and read`,
    against: '',
    ratio: verify,
    target: { atMost: TARGET_US },
    unit: 'us',
    details: `${signed[0]?.length ?? 0} characters; signing takes ${sign.toFixed(1)} us; one key derived per day`,
  };
}

function microsEach(work: () => void): number {
  const startedAt = performance.now();
  work();
  return ((performance.now() - startedAt) * 1_000) / TOKENS;
}

function answerAt(issuedAt: number) {
  const ads = Array.from({ length: ADS }, (_, index) => ({
    adId: `ad_${'x'.repeat(16)}${index}`,
    campaignId: `cmp_${'x'.repeat(16)}`,
    advertiserId: `adv_${'x'.repeat(16)}`,
    productId: `product-${index}`,
    slot: index + 1,
    priceKrw: 150,
    rankScore: 9_000_000,
    runnerUpScore: 8_000_000,
    bidFloorKrw: 50,
    parametersVersion: 1,
  }));
  return {
    issuedAt,
    requestId: newRequestId(),
    placement: 'HOME' as const,
    deviceHash: 'd'.repeat(32),
    ads,
  };
}
