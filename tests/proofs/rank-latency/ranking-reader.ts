import type { Redis } from 'ioredis';
import type { RankingEntry } from '../../../contracts/ranking-entry.js';
import { REDIS_CHANNELS, REDIS_KEYS } from '../../../contracts/redis-keys.js';
import { HOME_TARGET, KEYWORD_RANKING_DEPTH, RANKING_DEPTH } from '../../../domain/placement.js';
import { CATEGORIES, KEYWORDS } from './campaigns.js';
import { type Fault, faultsOf, missingBetween } from './judge.js';

/** Between two looks when nothing is announced. */
const LOOK_EVERY_MS = 50;
const EXAMPLES = 5;

interface Watched {
  readonly key: string;
  readonly depth: number;
  text: string;
  /** The newest two rankings read, older one first. */
  history: readonly (readonly RankingEntry[])[];
}

export interface RankingReader {
  readonly faults: ReadonlyMap<Fault, number>;
  readonly examples: readonly string[];
  /** Rankings read, those of them that differed from the one before, and how often Flink said that some changed. */
  readonly reads: () => { readonly all: number; readonly different: number; readonly announced: number };
  /** When HOME was first read with an ad of this bid, by `performance.now()`. */
  readonly bidSeenAt: (bidKrw: number) => number | undefined;
  /** Every watched ranking was made with this version of the parameters. */
  readonly isOfParameters: (version: number) => boolean;
  stop(): Promise<void>;
}

/** Reads four full rankings whenever Flink says that some changed, and every 50 ms besides, and judges each. */
export function startRankingReader(redis: Redis, subscriber: Redis): RankingReader {
  const watched = watchList();
  const keys = watched.map(({ key }) => key);
  const faults = new Map<Fault, number>();
  const examples: string[] = [];
  const bids = new Map<number, number>();
  const counts = { all: 0, different: 0 };
  let wake = (): void => undefined;
  let announced = 0;
  let stopping = false;

  const note = (fault: Fault, key: string, detail: string) => {
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
    if (examples.length < EXAMPLES) examples.push(`${fault}: ${key} ${detail}`);
  };
  const take = (ranking: Watched, text: string, readAt: number) => {
    const judged = faultsOf(text);
    for (const fault of judged.faults) note(fault, ranking.key, text.slice(0, 200));
    const [before, between] = ranking.history;
    if (before !== undefined && between !== undefined) {
      const missing = missingBetween(before, between, judged.entries, ranking.depth);
      if (missing.length > 0)
        note('an ad missing between two rankings that hold it', ranking.key, missing.slice(0, 3).join(' '));
    }
    ranking.history = [...ranking.history.slice(-1), judged.entries];
    if (ranking !== watched[0]) return;
    for (const { maxCpcKrw } of judged.entries) if (!bids.has(maxCpcKrw)) bids.set(maxCpcKrw, readAt);
  };
  const look = async () => {
    const texts = await redis.mget(...keys);
    const readAt = performance.now();
    for (const [index, ranking] of watched.entries()) {
      const text = texts[index] ?? '[]';
      counts.all += 1;
      if (text === ranking.text) continue;
      counts.different += 1;
      ranking.text = text;
      take(ranking, text, readAt);
    }
  };
  const loop = (async () => {
    while (!stopping) {
      const change = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_EVERY_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      await look();
      await change;
    }
  })();
  subscriber.on('message', () => {
    announced += 1;
    wake();
  });
  void subscriber.subscribe(REDIS_CHANNELS.rankingChanged);

  return {
    faults,
    examples,
    reads: () => ({ ...counts, announced }),
    bidSeenAt: (bidKrw) => bids.get(bidKrw),
    isOfParameters: (version) =>
      watched.every(({ history }) =>
        (history.at(-1) ?? []).every((entry) => entry.parametersVersion === version),
      ),
    stop: async () => {
      stopping = true;
      wake();
      await subscriber.unsubscribe();
      await loop;
    },
  };
}

/** HOME holds everybody; both probes stand in it, and one each in the categories and keywords. */
function watchList(): Watched[] {
  const [category = ''] = CATEGORIES;
  const [keyword = ''] = KEYWORDS;
  const rankings = [
    { placement: 'HOME', target: HOME_TARGET, depth: RANKING_DEPTH },
    { placement: 'CATEGORY', target: category, depth: RANKING_DEPTH },
    { placement: 'PRODUCT_DETAIL', target: category, depth: RANKING_DEPTH },
    { placement: 'SEARCH', target: keyword, depth: KEYWORD_RANKING_DEPTH },
  ];
  return rankings.map(({ placement, target, depth }) => ({
    key: REDIS_KEYS.ranking(placement, target),
    depth,
    text: '',
    history: [],
  }));
}
