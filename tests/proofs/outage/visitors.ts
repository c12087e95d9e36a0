import { poll } from '../../support/poll.js';
import { newDevice, type Shop, type ShopClick } from '../../support/shop.js';

export type Phase = 'before' | 'settling' | 'gone' | 'returning' | 'after';

/** One page, one click on it, and one look at how the click ended. A status of 0 is no answer at all. */
export interface Visit {
  /** In which it began. */
  readonly phase: Phase;
  /** In which its last answer came. */
  endedIn: Phase;
  /** When it began, epoch ms. */
  readonly at: number;
  readonly adsStatus: number;
  readonly adsMs: number;
  readonly filled: boolean;
  readonly noFillReason: string;
  /** As it was sent, to be sent again. */
  readonly click: Required<ShopClick> | null;
  clickStatus: number | null;
  clickMs: number;
  /** Null until the click is taken. */
  clickId: string | null;
  lookUpStatus: number | null;
  lookUpMs: number;
}

export type Query = Readonly<Record<string, string | number>>;

const VISIT_EVERY_MS = 50;
const TAKEN_WITHIN_MS = 10_000;
const ADS_PATH_LOST = { status: 0, ms: Number.POSITIVE_INFINITY, body: null } as const;

/** Comes twenty times a second, whatever becomes of the visits before. */
export function startVisitors(
  random: () => number,
  shop: Shop,
  queries: readonly Query[],
  now: { readonly phase: Phase },
) {
  const visits: Visit[] = [];
  const running = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const query = queries[Math.floor(random() * queries.length)] ?? {};
    const task: Promise<void> = visitPage(shop, query, now)
      .then((seen) => {
        visits.push(seen);
      })
      .finally(() => running.delete(task));
    running.add(task);
  }, VISIT_EVERY_MS);
  return {
    visits,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}

async function visitPage(shop: Shop, query: Query, now: { readonly phase: Phase }): Promise<Visit> {
  const { phase } = now;
  const at = Date.now();
  const deviceId = newDevice();
  const { status, ms, body } = await shop.ads({ ...query, deviceId }).catch(() => ADS_PATH_LOST);
  const ad = status === 200 ? body?.ads[0] : undefined;
  const clickToken = body?.clickToken ?? '';
  const clickedAt = new Date().toISOString();
  const seen: Visit = {
    phase,
    endedIn: phase,
    at,
    adsStatus: status,
    adsMs: ms,
    filled: ad !== undefined,
    noFillReason: body?.noFillReason ?? '',
    click: ad === undefined ? null : { clickToken, adId: ad.adId, deviceId, clickedAt },
    clickStatus: null,
    clickMs: 0,
    clickId: null,
    lookUpStatus: null,
    lookUpMs: 0,
  };
  if (seen.click !== null) await clickAndLook(shop, seen, seen.click);
  seen.endedIn = now.phase;
  return seen;
}

async function clickAndLook(shop: Shop, seen: Visit, click: ShopClick): Promise<void> {
  const answer = await shop.click(click).catch(() => null);
  seen.clickStatus = answer?.status ?? 0;
  seen.clickMs = answer?.ms ?? Number.POSITIVE_INFINITY;
  if (answer === null || answer.status >= 300) return;
  seen.clickId = answer.body.clickId;
  const found = await shop.clickStatus(answer.body.clickId).catch(() => null);
  seen.lookUpStatus = found?.status ?? 0;
  seen.lookUpMs = found?.ms ?? Number.POSITIVE_INFINITY;
}

/** Those that have ads to show. */
export async function filledQueries(shop: Shop, queries: readonly Query[]): Promise<Query[]> {
  const asked = await Promise.all(
    queries.map(async (query) => ({ query, answer: await shop.ads({ ...query, deviceId: newDevice() }) })),
  );
  return asked.filter(({ answer }) => answer.body.ads.length > 0).map(({ query }) => query);
}

/** What a shop's queue does: the same body again, until it is taken. How many were. */
export async function sendAgain(shop: Shop, refused: readonly Visit[]): Promise<number> {
  let taken = 0;
  for (const visit of refused) {
    const { click } = visit;
    if (click === null) continue;
    await poll(
      'the click is taken',
      async () => {
        const answer = await shop.click(click).catch(() => null);
        if (answer === null || answer.status >= 300) return false;
        visit.clickId = answer.body.clickId;
        return true;
      },
      TAKEN_WITHIN_MS,
    ).then(
      () => {
        taken += 1;
      },
      () => undefined,
    );
  }
  return taken;
}

export function counted(words: readonly (string | number | null)[]): string {
  const counts = new Map<string | number | null, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, times]) => `${times} x ${word}`).join(', ');
}
