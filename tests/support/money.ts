import { createHash } from 'node:crypto';
import type { AdClicked } from '../../contracts/events/ad-events.js';
import { type ClickId, clickIdFrom } from '../../domain/click-id.js';
import type { ClickSignals } from '../../domain/click-outcome.js';
import type { DatabasePool } from '../../infra/postgres.js';
import { withTransaction } from '../../infra/postgres.js';
import type { DeliveredClick } from '../../operations/charge-clicks.js';
import { creditTopUp } from '../../operations/credit-top-up.js';
import { type CampaignBudget, setCampaignBudget } from '../../operations/set-campaign-budget.js';

export const CLEAN_SIGNALS: ClickSignals = {
  tokenAgeMs: 1_000,
  expired: false,
  listedBot: false,
  deviceClicksPerMinute: 1,
  ipClicksPerMinute: 1,
  sinceSameAdMs: null,
};

export interface ClickWish {
  /** Names the click: the same name and issue time give the same click id. */
  readonly name: string;
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly priceKrw: number;
  readonly issuedAtMs?: number;
  readonly deviceHash?: string;
  readonly signals?: Partial<ClickSignals>;
}

export function clickIdOf(name: string, issuedAtMs: number): ClickId {
  return clickIdFrom(issuedAtMs, createHash('sha256').update(name).digest('hex').slice(0, 20));
}

export function clickEvent(wish: ClickWish): AdClicked {
  const issuedAtMs = wish.issuedAtMs ?? Date.now();
  const clickId = clickIdOf(wish.name, issuedAtMs);
  return {
    eventId: `clicked:${clickId}`,
    schemaVersion: 1,
    type: 'AD_CLICKED',
    recordedAt: issuedAtMs + 1_000,
    clickId,
    requestId: `req_${wish.name}`,
    advertiserId: wish.advertiserId,
    campaignId: wish.campaignId,
    adId: `ad_${wish.campaignId}`,
    productId: 'prd_1',
    placement: 'SEARCH',
    slot: 1,
    tokenPriceKrw: wish.priceKrw,
    priceReason: { rankScore: 1_000, runnerUpScore: 900, bidFloorKrw: 50, parametersVersion: 1 },
    tokenIssuedAt: issuedAtMs,
    clickedAt: issuedAtMs + 500,
    deviceHash: wish.deviceHash ?? `dev_${wish.name}`,
    ipHash: null,
    signals: { ...CLEAN_SIGNALS, ...wish.signals },
    clean: true,
  };
}

let nextOffset = 0;

/** The click as the worker hands it over; every delivery has its own offset. */
export function deliver(click: AdClicked): DeliveredClick {
  nextOffset += 1;
  return { click, source: { topic: 'ad-events', partition: 0, offset: String(nextOffset) } };
}

export const delivered = (wish: ClickWish): DeliveredClick => deliver(clickEvent(wish));

/** Money and a campaign, through the same operations as real business. */
export async function fund(pool: DatabasePool, budget: CampaignBudget, cashKrw: number): Promise<void> {
  await withTransaction(pool, (client) => setCampaignBudget(client, budget));
  if (cashKrw === 0) return;
  const { advertiserId } = budget;
  const credited = await creditTopUp(pool, {
    idempotencyKey: `fund:${budget.campaignId}`,
    advertiserId,
    amountKrw: cashKrw,
  });
  if (!credited.ok) throw new Error(credited.error.message);
}
