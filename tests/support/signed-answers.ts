import type { ClickTokenPayload } from '../../domain/click-token.js';
import { createClickTokens, newRequestId } from '../../infra/click-token.js';
import type { Config } from '../../infra/config.js';
import { keyedHash } from '../../infra/ids.js';

export interface AnsweredAd {
  readonly adId: string;
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly priceKrw: number;
}

/** An answer to an ad query, as far as clicks on it need it. */
export interface SignedAnswer {
  readonly clickToken: string;
  readonly payload: ClickTokenPayload;
  readonly deviceId: string;
  readonly ads: readonly AnsweredAd[];
}

/** Signs answers as the ad server does, with the keys of a stack: tokens are to be seen, not auctions. */
export function answerPress({ CLICK_TOKEN_KEYS, HASH_KEY }: Pick<Config, 'CLICK_TOKEN_KEYS' | 'HASH_KEY'>) {
  const tokens = createClickTokens(CLICK_TOKEN_KEYS);
  return (deviceId: string, ads: readonly AnsweredAd[], issuedAt: number): SignedAnswer => {
    const payload: ClickTokenPayload = {
      issuedAt,
      requestId: newRequestId(),
      placement: 'CATEGORY',
      deviceHash: keyedHash(HASH_KEY, 'device', deviceId),
      ads: ads.map((ad, index) => ({
        ...ad,
        productId: 'prd_1',
        slot: index + 1,
        rankScore: ad.priceKrw * 1_000,
        runnerUpScore: null,
        bidFloorKrw: 50,
        parametersVersion: 1,
      })),
    };
    return { clickToken: tokens.sign(payload), payload, deviceId, ads };
  };
}

/** Works through all items, `lanes` at a time, in their order of start. */
export async function inLanes<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
