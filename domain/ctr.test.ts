import { describe, expect, it } from 'vitest';
import { type ClickFact, CTR_WINDOW_MS, CTR_WINDOWS, clickThroughKey, countClickThrough } from './ctr.js';

const T0 = 1_790_000_100_000;
const START = T0 - (T0 % CTR_WINDOW_MS);
const END_OF_TIME = START + 1_000 * CTR_WINDOW_MS;
const served = (eventId: string, recordedAt: number, slot = 1) => ({
  eventId,
  recordedAt,
  ads: [{ slot, adId: 'a', placement: 'HOME' }],
});
const click = (eventId: string, recordedAt: number): ClickFact => ({
  eventId,
  recordedAt,
  adId: 'a',
  placement: 'HOME',
});
const KEY = clickThroughKey('a', 'HOME');

describe('click-through counts of the last day', () => {
  it('weighs impressions by slot and counts each repeat once', () => {
    const counts = countClickThrough(
      [served('r1', START), served('r1', START), served('r2', START, 2), served('r3', START, 11)],
      [click('k1', START), click('k1', START + 1)],
      END_OF_TIME,
    );
    expect(counts.get(KEY)).toEqual({ clicks: 1, weightedImpressionsMilli: 1000 + 850 + 200 });
  });

  it('holds exactly 288 windows of five minutes', () => {
    const last = START + CTR_WINDOWS * CTR_WINDOW_MS;
    const counts = countClickThrough(
      [
        served('too old', last - CTR_WINDOWS * CTR_WINDOW_MS),
        served('oldest', last - (CTR_WINDOWS - 1) * CTR_WINDOW_MS),
      ],
      [click('k', last)],
      END_OF_TIME,
    );
    expect(counts.get(KEY)).toEqual({ clicks: 1, weightedImpressionsMilli: 1000 });
  });

  it('leaves out the window that is still open', () => {
    expect(countClickThrough([served('r', START)], [], START + CTR_WINDOW_MS - 1).size).toBe(0);
    expect(countClickThrough([served('r', START)], [], START + CTR_WINDOW_MS).size).toBe(1);
  });

  it('ignores a click that is decided again within 24 hours, in another window', () => {
    const counts = countClickThrough(
      [],
      [click('k', START), click('k', START + 3 * CTR_WINDOW_MS)],
      END_OF_TIME,
    );
    expect(counts.get(KEY)).toEqual({ clicks: 1, weightedImpressionsMilli: 0 });
  });
});
