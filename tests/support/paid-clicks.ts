import { setTimeout as delay } from 'node:timers/promises';
import { createClickTokens } from '../../infra/click-token.js';
import type { Config } from '../../infra/config.js';
import { keyedHash } from '../../infra/ids.js';
import type { Shop, ShopClick } from './shop.js';

/** A click that somebody can be charged for, with the token that an ad server would have given. */
export interface PaidClick extends ShopClick {
  readonly clickToken: string;
  readonly clickedAt: string;
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly priceKrw: number;
}

interface Names {
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly priceKrw: number;
}

/**
 * Signs tokens as the ad server does, with the keys of a stack: what charging does with thousands of clicks is to be
 * seen, not how they were auctioned. Each click is another shopper's.
 */
export function clickPress({ CLICK_TOKEN_KEYS, HASH_KEY }: Pick<Config, 'CLICK_TOKEN_KEYS' | 'HASH_KEY'>) {
  const tokens = createClickTokens(CLICK_TOKEN_KEYS);
  let count = 0;
  return ({ advertiserId, campaignId, priceKrw }: Names, now: number): PaidClick => {
    count += 1;
    const deviceId = `device-${now}-${count}`;
    const adId = `ad_${campaignId}`;
    const clickToken = tokens.sign({
      issuedAt: now,
      requestId: `req-${now}-${count}`,
      placement: 'CATEGORY',
      deviceHash: keyedHash(HASH_KEY, 'device', deviceId),
      ads: [
        {
          adId,
          campaignId,
          advertiserId,
          productId: 'prd_1',
          slot: 1,
          priceKrw,
          rankScore: priceKrw * 1_000,
          runnerUpScore: null,
          bidFloorKrw: 50,
          parametersVersion: 1,
        },
      ],
    });
    const clickedAt = new Date(now).toISOString();
    return { clickToken, adId, deviceId, clickedAt, advertiserId, campaignId, priceKrw };
  };
}

export interface Delivery {
  /** Click ids as the ad server named them, in the order of the clicks; null when it never promised. */
  readonly clickIds: (string | null)[];
  promised: number;
  /** Sent again although promised. */
  repeated: number;
  retries: number;
  /** Answers that are neither a promise nor a reason to try again. */
  readonly refusals: string[];
  /** Differing answers to the same click. */
  readonly changed: string[];
}

export interface DeliveryOptions {
  readonly shop: Shop;
  /** Clients that send at the same time, each one click after the other. */
  readonly lanes: number;
  readonly random: () => number;
  /** Share of the promised clicks that are sent once more. */
  readonly repeatShare: number;
  /** No new attempts after this long. */
  readonly withinMs: number;
}

const PAUSE_MS = 100;
const MAX_PAUSE_MS = 1_000;
const TRY_AGAIN: readonly number[] = [429, 502, 503];

/** Sends all clicks, each until it is promised (200 or 202), as the queue of a shop does. `progress` is kept current. */
export async function deliverClicks(
  options: DeliveryOptions,
  next: () => PaidClick | null,
  progress: Delivery = newDelivery(),
): Promise<Delivery> {
  const until = Date.now() + options.withinMs;
  const lane = async () => {
    for (let click = next(); click !== null; click = next()) {
      const index = progress.clickIds.push(null) - 1;
      const first = await promise(options, click, progress, until);
      if (first === null) continue;
      progress.clickIds[index] = first.clickId;
      progress.promised += 1;
      if (options.random() >= options.repeatShare) continue;
      progress.repeated += 1;
      const again = await promise(options, click, progress, until);
      if (again !== null && again.final !== null && first.final !== null && again.final !== first.final)
        progress.changed.push(`${first.clickId}: ${first.final}, then ${again.final}`);
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  return progress;
}

export const newDelivery = (): Delivery => ({
  clickIds: [],
  promised: 0,
  repeated: 0,
  retries: 0,
  refusals: [],
  changed: [],
});

async function promise(
  { shop }: DeliveryOptions,
  { clickToken, adId, deviceId, clickedAt }: PaidClick,
  progress: Delivery,
  until: number,
): Promise<{ clickId: string; final: string | null } | null> {
  for (let pauseMs = PAUSE_MS; Date.now() < until; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
    const answer = await shop.click({ clickToken, adId, deviceId, clickedAt }).catch(() => null);
    if (answer !== null && (answer.status === 200 || answer.status === 202)) {
      const { clickId, outcome, reason, chargedCpcKrw } = answer.body;
      return {
        clickId,
        final: outcome === 'accepted' ? null : `${outcome} ${reason ?? ''} ${chargedCpcKrw ?? 0}`,
      };
    }
    if (answer !== null && !TRY_AGAIN.includes(answer.status)) {
      progress.refusals.push(`${answer.status} ${answer.body.code ?? ''}`);
      return null;
    }
    progress.retries += 1;
    await delay(pauseMs);
  }
  return null;
}
