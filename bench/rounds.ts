import { quantile } from '../tests/support/poll.js';

/** Enough for a median that one bad moment of the machine does not move. */
export const ROUNDS = 9;

export interface Round {
  /** Work done per second, or any figure where more is better. */
  readonly perSecond: number;
  /** Processor time of one piece of work, when it could be told apart. */
  readonly cpuMicros?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

export interface Paired<A extends Round = Round, B extends Round = Round> {
  readonly own: readonly A[];
  readonly other: readonly B[];
}

/**
 * Both sides in turn, as often as asked, each pair in the other order than the one before: what the machine does to
 * one side it does to the other. One unmeasured round of each comes first.
 */
export async function pairedRounds<A extends Round, B extends Round>(
  own: () => Promise<A>,
  other: () => Promise<B>,
  rounds = ROUNDS,
): Promise<Paired<A, B>> {
  await other();
  await own();
  const pairs: { own: A; other: B }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) {
      const otherRound = await other();
      pairs.push({ own: await own(), other: otherRound });
    } else {
      const ownRound = await own();
      pairs.push({ own: ownRound, other: await other() });
    }
  }
  return { own: pairs.map((pair) => pair.own), other: pairs.map((pair) => pair.other) };
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Median of own / other over the pairs; never the quotient of two medians, which mixes moments of the machine. */
export function medianRatio<A extends Round, B extends Round>(
  { own, other }: Paired<A, B>,
  pick: (round: A | B) => number,
): number {
  return median(
    own.map((round, index) => {
      const rival = other[index];
      if (rival === undefined) throw new Error('a round without its pair');
      return pick(round) / pick(rival);
    }),
  );
}

/** The medians of one side in words. */
export function sideText(rounds: readonly Round[]): string {
  const parts = [`${Math.round(median(rounds.map((round) => round.perSecond)))}/s`];
  const add = (name: string, unit: string, digits: number, pick: (round: Round) => number | undefined) => {
    const known = rounds.map(pick).filter((value) => value !== undefined);
    if (known.length > 0) parts.push(`${name}${median(known).toFixed(digits)} ${unit}`);
  };
  add('p50 ', 'ms', 1, (round) => round.p50Ms);
  add('p99 ', 'ms', 1, (round) => round.p99Ms);
  add('', 'us processor each', 0, (round) => round.cpuMicros);
  return parts.join(', ');
}
