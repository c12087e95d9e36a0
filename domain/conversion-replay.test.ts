import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startOfBusinessDate } from './business-date.js';
import { attributionRanges, END_OF_TIME_MS, replayRange } from './conversion-replay.js';

const DAY_MS = 86_400_000;
const nov = (day: number) => startOfBusinessDate('2026-11-01') + (day - 1) * DAY_MS;
const whole = { linesFromMs: 0, clicksFromMs: 0, completeUntilMs: nov(20) + 5 };

const rangeOf = (...call: Parameters<typeof replayRange>) => {
  const range = replayRange(...call);
  return range.ok ? range.value : range.error.code;
};

describe('what a replay may decide', () => {
  it('is everything of a log that was never cut, up to what has surely been appended', () => {
    expect(rangeOf({}, whole, DAY_MS)).toEqual({ fromMs: 0, toMs: nov(20) + 5 });
  });

  it('begins a day of repetitions and a click window after the first kept click', () => {
    const cut = { ...whole, linesFromMs: nov(2), clicksFromMs: nov(3) };
    expect(rangeOf({}, cut, DAY_MS)).toEqual({ fromMs: nov(5), toMs: nov(20) + 5 });
    expect(rangeOf({}, cut, 7 * DAY_MS)).toMatchObject({ fromMs: nov(11) });
    expect(rangeOf({ from: '2026-11-05' }, cut, DAY_MS)).toMatchObject({ fromMs: nov(5) });
    expect(rangeOf({ from: '2026-11-04' }, cut, DAY_MS)).toBe('log_not_kept');
    expect(rangeOf({}, { ...cut, linesFromMs: nov(5) }, DAY_MS)).toMatchObject({ fromMs: nov(6) });
  });

  it('takes both days in, and of today only what has passed', () => {
    expect(rangeOf({ from: '2026-11-05', to: '2026-11-06' }, whole, DAY_MS)).toEqual({
      fromMs: nov(5),
      toMs: nov(7),
    });
    expect(rangeOf({ to: '2026-11-20' }, whole, DAY_MS)).toMatchObject({ toMs: nov(20) + 5 });
  });

  it.each([
    { from: '2026-13-01' },
    { to: 'yesterday' },
    { from: '2026-11-06', to: '2026-11-05' },
    { from: '2026-11-21' },
  ])('%j is refused', (asked) => {
    expect(rangeOf(asked, whole, DAY_MS)).toBe('invalid_request');
  });
});

describe('which replay reports show', () => {
  const replay = (replayId: number, appliedNo: number, fromMs: number, toMs: number) => ({
    replayId,
    appliedNo,
    fromMs,
    toMs,
  });

  it('none: the deployed rules, at all times', () => {
    expect(attributionRanges([])).toEqual([{ fromMs: 0, toMs: END_OF_TIME_MS, replayId: null }]);
  });

  it('the one applied last, where two overlap', () => {
    expect(attributionRanges([replay(7, 1, 100, 300), replay(5, 2, 200, 400)])).toEqual([
      { fromMs: 0, toMs: 100, replayId: null },
      { fromMs: 100, toMs: 200, replayId: 7 },
      { fromMs: 200, toMs: 400, replayId: 5 },
      { fromMs: 400, toMs: END_OF_TIME_MS, replayId: null },
    ]);
  });

  it('covers every moment once, and shows at each the replay that was applied last of those that hold it', () => {
    const replays = fc.array(
      fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 30 })).map(([fromMs, length]) => ({
        fromMs,
        toMs: fromMs + length,
      })),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(replays, fc.nat(100), (list, moment) => {
        const applied = list.map((range, index) =>
          replay(index + 1, (index * 7) % 11, range.fromMs, range.toMs),
        );
        const ranges = attributionRanges(applied);
        const holding = ranges.filter((range) => range.fromMs <= moment && moment < range.toMs);
        const expected = applied
          .filter((one) => one.fromMs <= moment && moment < one.toMs)
          .sort((a, b) => b.appliedNo - a.appliedNo)[0];
        expect(holding.map((range) => range.replayId)).toEqual([expected?.replayId ?? null]);
        for (const [index, range] of ranges.entries())
          expect(range.fromMs).toBe(index === 0 ? 0 : ranges[index - 1]?.toMs);
      }),
    );
  });
});
