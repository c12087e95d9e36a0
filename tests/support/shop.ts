import { randomUUID } from 'node:crypto';

/** What the shop's engineer writes: two calls. */
export interface ShopAnswer<T> {
  readonly status: number;
  readonly body: T;
  readonly ms: number;
}
interface AdsBody {
  readonly requestId: string;
  readonly clickToken: string;
  readonly ads: readonly {
    readonly adId: string;
    readonly slot: number;
    readonly campaignId: string;
    readonly advertiserId: string;
    readonly productId: string;
  }[];
  readonly noFillReason?: string;
}
export interface ClickBody {
  readonly clickId: string;
  readonly outcome: 'charged' | 'not_charged' | 'accepted';
  readonly reason?: string;
  readonly chargedCpcKrw?: number;
  readonly code?: string;
}

export interface Shop {
  ads(query: Readonly<Record<string, string | number>>): Promise<ShopAnswer<AdsBody>>;
  click(click: ShopClick): Promise<ShopAnswer<ClickBody>>;
  clickStatus(clickId: string): Promise<ShopAnswer<ClickBody>>;
}
export interface ShopClick {
  readonly clickToken: string;
  readonly adId: string;
  readonly deviceId: string;
  readonly clickedAt?: string;
}

export const newDevice = () => `device-${randomUUID()}`;

/** A shop on the ad server at `baseUrl`; `now` is the business clock that the shop shares. */
export function connectShop(baseUrl: string, apiKey: string, now: () => number = Date.now): Shop {
  const call = async <T>(path: string, init?: RequestInit): Promise<ShopAnswer<T>> => {
    const started = performance.now();
    const response = await fetch(new URL(path, baseUrl), {
      ...init,
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        'x-shopper-user-agent':
          'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36',
      },
      signal: AbortSignal.timeout(10_000),
    });
    const body = (await response.json()) as T;
    return { status: response.status, body, ms: performance.now() - started };
  };
  return {
    ads: (query) =>
      call(
        `/v1/ads?${new URLSearchParams(Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)])))}`,
      ),
    click: (click) =>
      call('/v1/clicks', {
        method: 'POST',
        body: JSON.stringify({ clickedAt: new Date(now()).toISOString(), ...click }),
      }),
    clickStatus: (clickId) => call(`/v1/clicks/${clickId}`),
  };
}
