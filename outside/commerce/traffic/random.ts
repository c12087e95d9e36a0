/** Deterministic numbers in [0, 1) for a seed (mulberry32): the same seed gives the same shoppers. */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One of a list, each as likely; undefined for an empty list. */
export const pick = <T>(random: Random, list: readonly T[]): T | undefined =>
  list[Math.floor(random() * list.length)];

/** One of a list, the first ones likelier: the popularity skew of a catalogue in order of popularity. */
export const pickPopular = <T>(random: Random, list: readonly T[]): T | undefined =>
  list[Math.floor(random() ** 3 * list.length)];
