export type Random = (below: number) => number;

/** Mulberry32: small, seeded, good enough to mix a log. */
export function randomFrom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, order: random(1_000_000) }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

/** By time, but up to four seconds out of order: less than the watermark delay. */
export function disordered<T extends { readonly recordedAt: number }>(
  events: readonly T[],
  random: Random,
): T[] {
  return appended(events, random, ({ recordedAt }) => recordedAt + random(4_000));
}

/** In the order of the times at which each is appended, epoch ms; any order among equals. */
export function appended<T>(events: readonly T[], random: Random, appendedAt: (event: T) => number): T[] {
  return shuffled(events, random)
    .map((event) => ({ event, at: appendedAt(event) }))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event);
}
