import { z } from 'zod';
import { businessDateSchema } from '../../contracts/http/business-clock.js';
import {
  advertiserClickSchema,
  balanceSchema,
  ledgerEntrySchema,
} from '../../contracts/http/console-advertisers.js';
import { ROLES } from '../../domain/access.js';
import { isBusinessDate } from '../../domain/business-date.js';
import { isClickId } from '../../domain/click-id.js';
import { CLICK_OUTCOMES } from '../../domain/click-outcome.js';
import {
  type AdvertiserClickRow,
  type LedgerEntryRow,
  listAdvertiserClicks,
  listLedgerEntries,
  readBalance,
} from '../../operations/read-advertiser-money.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { advertiserParamsSchema, findOwnAdvertiser } from './advertisers.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['Money'];
const clickCursorSchema = z.tuple([z.number().int().nonnegative(), z.string().refine(isClickId)]);

export function advertiserMoneyRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [balanceRoute(deps), ledgerEntriesRoute(deps), clicksRoute(deps)];
}

function balanceRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/balance',
    summary: 'What is left of the advertiser’s money.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    responses: { 200: { description: 'The balance now.', schema: balanceSchema } },
    handler: async ({ params, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const { cashKrw, promoKrw, promoLots } = await readBalance(deps.pool, params.id);
      const lots = promoLots.map(({ remainingKrw, expiresAt }) => ({
        remainingKrw,
        expiresAt: expiresAt.toISOString(),
      }));
      return {
        status: 200,
        body: { advertiserId: params.id, totalKrw: cashKrw + promoKrw, cashKrw, promoKrw, promoLots: lots },
      };
    },
  });
}

function ledgerEntriesRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/ledger-entries',
    summary: 'Every movement of the advertiser’s money, the newest first.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    query: pageQuerySchema,
    responses: { 200: { description: 'Entries.', schema: pageSchema(ledgerEntrySchema) } },
    handler: async ({ params, query, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const cursor = decodeCursor(query.cursor, z.tuple([z.number().int().positive()]));
      if (!cursor.ok) return cursor;
      const rows = await listLedgerEntries(deps.pool, {
        advertiserId: params.id,
        beforeSeq: cursor.value?.[0] ?? null,
        limit: query.limit,
      });
      return { status: 200, body: toPage(rows, query.limit, toLedgerBody, (row) => [row.seq]) };
    },
  });
}

/** What a seller finds a click by. */
export const clickFilterShape = {
  campaignId: z.string().min(1).max(64).optional(),
  outcome: z.enum(CLICK_OUTCOMES).optional(),
};

function clicksRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/clicks',
    summary: 'Every click on the advertiser’s ads, charged or not and why, the newest first.',
    description:
      'With `date` the clicks that were decided on this day (Korea). What became of one: its receipt.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    query: pageQuerySchema.extend({ ...clickFilterShape, date: businessDateSchema.optional() }),
    responses: { 200: { description: 'Clicks.', schema: pageSchema(advertiserClickSchema) } },
    handler: async ({ params, query, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const cursor = decodeCursor(query.cursor, clickCursorSchema);
      if (!cursor.ok) return cursor;
      const rows = await listAdvertiserClicks(deps.pool, {
        ...query,
        date: query.date !== undefined && isBusinessDate(query.date) ? query.date : undefined,
        advertiserId: params.id,
        before: cursor.value,
      });
      const positionOf = (row: AdvertiserClickRow) => [row.bookedAt.getTime(), row.clickId];
      return { status: 200, body: toPage(rows, query.limit, toClickBody, positionOf) };
    },
  });
}

function toLedgerBody({ account, ...row }: LedgerEntryRow) {
  const fund = account === 'wallet_cash' ? ('cash' as const) : ('promo' as const);
  return { ...row, fund, bookedAt: row.bookedAt.toISOString() };
}

export function toClickBody(row: AdvertiserClickRow) {
  return { ...row, clickedAt: row.clickedAt.toISOString(), bookedAt: row.bookedAt.toISOString() };
}
