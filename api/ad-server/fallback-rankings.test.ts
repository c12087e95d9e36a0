import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FallbackRankings } from './fallback-rankings.js';

/** A database that answers when told to. */
function slowDatabase() {
  const asked: { key: string; answer: () => void; fail: () => void }[] = [];
  const fallback = new FallbackRankings({
    rank: (placement, target) =>
      new Promise((resolve, reject) => {
        asked.push({
          key: `${placement}:${target}`,
          answer: () => resolve([]),
          fail: () => reject(new Error('connection refused')),
        });
      }),
    log: pino({ level: 'silent' }),
    onResult: () => undefined,
  });
  return { asked, fallback };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('rankings from the database', () => {
  it('are asked for once per key, however many queries wait', async () => {
    const { asked, fallback } = slowDatabase();
    const answers = Promise.all(Array.from({ length: 20 }, () => fallback.ranking('HOME', '*')));
    expect(asked).toHaveLength(1);
    asked[0]?.answer();
    expect(await answers).toEqual(Array.from({ length: 20 }, () => []));
    expect(await fallback.ranking('HOME', '*')).toEqual([]);
    expect(asked).toHaveLength(1);
  });

  it('are not there when the database fails, and it is left alone for a while', async () => {
    vi.useFakeTimers();
    const { asked, fallback } = slowDatabase();
    const answer = fallback.ranking('HOME', '*');
    asked[0]?.fail();
    expect(await answer).toBeNull();
    expect(await fallback.ranking('HOME', '*')).toBeNull();
    expect(await fallback.ranking('SEARCH', 'another')).toBeNull();
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(500);
    void fallback.ranking('HOME', '*');
    void fallback.ranking('SEARCH', 'another');
    expect(asked.map(({ key }) => key)).toEqual(['HOME:*', 'SEARCH:another']);
  });

  it('that come too late hold their place until the database is done, and are used then', async () => {
    vi.useFakeTimers();
    const { asked, fallback } = slowDatabase();
    const first = Array.from({ length: 4 }, (_, index) => fallback.ranking('SEARCH', `slow ${index}`));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await Promise.all(first)).toEqual([null, null, null, null]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await fallback.ranking('SEARCH', 'another')).toBeNull();
    expect(asked).toHaveLength(4);
    asked[0]?.answer();
    await vi.advanceTimersByTimeAsync(0);
    expect(await fallback.ranking('SEARCH', 'slow 0')).toEqual([]);
    expect(asked).toHaveLength(4);
    const next = fallback.ranking('SEARCH', 'another');
    expect(asked).toHaveLength(5);
    asked[4]?.answer();
    expect(await next).toEqual([]);
  });

  it('of many keys at once never cost more than four statements', async () => {
    const { asked, fallback } = slowDatabase();
    const answers = Array.from({ length: 10 }, (_, index) => fallback.ranking('SEARCH', `word ${index}`));
    expect(asked).toHaveLength(4);
    expect(await Promise.all(answers.slice(4))).toEqual([null, null, null, null, null, null]);
    for (const { answer } of asked) answer();
    expect(await Promise.all(answers.slice(0, 4))).toEqual([[], [], [], []]);
  });
});
