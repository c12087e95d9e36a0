import type { AdClicked } from '../../../contracts/events/ad-events.js';

/** What statements do not look at in a click, and contracts ask for: a person's, priced at 100 won. */
export const unremarkableClick = (recordedAt: number) =>
  ({
    tokenPriceKrw: 100,
    priceReason: { rankScore: 1, runnerUpScore: null, bidFloorKrw: 50, parametersVersion: 1 },
    tokenIssuedAt: recordedAt,
    clickedAt: recordedAt,
    ipHash: null,
    signals: {
      tokenAgeMs: 0,
      expired: false,
      listedBot: false,
      deviceClicksPerMinute: 1,
      ipClicksPerMinute: 1,
      sinceSameAdMs: null,
    },
  }) satisfies Partial<AdClicked>;
