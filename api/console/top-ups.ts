import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  topUpConfirmationSchema,
  topUpFilterShape,
  topUpParamsSchema,
  topUpRequestSchema,
  topUpSchema,
} from '../../contracts/http/top-ups.js';
import { ROLES, requireOwnership, type UserActor } from '../../domain/access.js';
import { err, ok, type Result } from '../../domain/result.js';
import { DEPOSIT_BANKS } from '../../domain/top-up.js';
import { orderTopUp } from '../../operations/order-top-up.js';
import { listTopUps, readTopUp, type TopUp } from '../../operations/top-up-read.js';
import { awaitOpened, confirmTopUpPayment, startTopUp } from '../../operations/top-up-workflow.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { advertiserParamsSchema, findOwnAdvertiser } from './advertisers.js';
import type { ConsoleDeps } from './deps.js';

type Deps = Pick<ConsoleDeps, 'pool' | 'prisma' | 'temporal'>;

const tags = ['Top-ups'];
const cursorSchema = z.tuple([z.number().int().nonnegative(), z.string().max(64)]);

export function topUpRoutes(deps: Deps): RouteDefinition[] {
  return [orderRoute(deps), confirmRoute(deps), readRoute(deps), listOwnRoute(deps), listAllRoute(deps)];
}

function orderRoute(deps: Deps): RouteDefinition {
  const { pool, temporal } = deps;
  return defineRoute({
    method: 'post',
    path: '/v1/advertisers/{id}/top-ups',
    summary: 'Order money: pay by card in the checkout window, or into a virtual account.',
    tags,
    access: { roles: ['advertiser'] },
    params: advertiserParamsSchema,
    body: topUpRequestSchema,
    idempotent: true,
    responses: {
      201: { description: 'Ordered.', schema: topUpSchema },
      200: { description: 'Ordered before with this key; as it is now.', schema: topUpSchema },
    },
    handler: async ({ params, body, actor, idempotencyKey }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const request = { ...body, advertiserId: params.id, requestedBy: actor.userId, idempotencyKey };
      const ordered = await orderTopUp(pool, request);
      if (!ordered.ok) return ordered;
      const { topUp, created } = ordered.value;
      const status = created ? (201 as const) : (200 as const);
      if (topUp.status !== 'pending') return { status, body: topUpBody(topUp) };
      const started = await startTopUp(pool, temporal.client, topUp);
      if (!started.ok) return started;
      if (topUp.method === 'virtual_account') await awaitOpened(temporal.client, topUp.topUpId);
      return { status, body: topUpBody((await readTopUp(pool, topUp.topUpId)) ?? topUp) };
    },
  });
}

function confirmRoute({ pool, temporal }: Deps): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: '/v1/top-ups/{id}/confirmation',
    summary: 'The checkout window has made a payment: compare it with the order, take it, credit it.',
    description: 'Repeat it freely: a payment is confirmed and credited once.',
    tags,
    access: { roles: ['advertiser'] },
    params: topUpParamsSchema,
    body: topUpConfirmationSchema,
    responses: {
      200: { description: 'Credited.', schema: topUpSchema },
      202: {
        description: 'Taken; the payment provider has not answered yet and is asked until it does.',
        schema: topUpSchema,
      },
    },
    handler: async ({ params, body, actor }) => {
      const topUp = await findOwnTopUp(pool, actor, params.id);
      if (!topUp.ok) return topUp;
      const confirmed = await confirmTopUpPayment(temporal.client, params.id, {
        commandId: `confirm:${digestOf(body.paymentKey)}`,
        paymentKey: body.paymentKey,
      });
      const after = (await readTopUp(pool, params.id)) ?? topUp.value;
      const isCredited = after.status === 'credited' && after.paymentKey === body.paymentKey;
      if (isCredited) return { status: 200, body: topUpBody(after) };
      if (!confirmed.ok) return confirmed;
      const answer = confirmed.value;
      if (answer?.accepted !== false) return { status: 202, body: topUpBody(after) };
      return err({ code: answer.code, message: answer.why, nextStep: answer.nextStep });
    },
  });
}

const digestOf = (paymentKey: string) => createHash('sha256').update(paymentKey).digest('hex').slice(0, 32);

function readRoute({ pool }: Deps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/top-ups/{id}',
    summary: 'One top-up, as it is now.',
    tags,
    access: { roles: [...ROLES] },
    params: topUpParamsSchema,
    responses: { 200: { description: 'The top-up.', schema: topUpSchema } },
    handler: async ({ params, actor }) => {
      const topUp = await findOwnTopUp(pool, actor, params.id);
      return topUp.ok ? { status: 200, body: topUpBody(topUp.value) } : topUp;
    },
  });
}

function listOwnRoute(deps: Deps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/top-ups',
    summary: 'The advertiser’s top-ups, the newest first.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    query: pageQuerySchema.extend(topUpFilterShape),
    responses: { 200: { description: 'Top-ups.', schema: pageSchema(topUpSchema) } },
    handler: async ({ params, query, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const page = await pageOf(deps, params.id, query);
      return page.ok ? { status: 200, body: page.value } : page;
    },
  });
}

function listAllRoute(deps: Deps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/top-ups',
    summary: 'Top-ups of all advertisers, the newest first.',
    tags,
    access: { roles: ['finance', 'admin'] },
    query: pageQuerySchema.extend({
      ...topUpFilterShape,
      advertiserId: z.string().min(1).max(64).optional(),
    }),
    responses: { 200: { description: 'Top-ups.', schema: pageSchema(topUpSchema) } },
    handler: async ({ query }) => {
      const page = await pageOf(deps, query.advertiserId ?? null, query);
      return page.ok ? { status: 200, body: page.value } : page;
    },
  });
}

type PageQuery = Pick<z.output<typeof pageQuerySchema>, 'limit'> & {
  readonly cursor?: string | undefined;
  readonly status?: TopUp['status'] | undefined;
};

async function pageOf({ pool }: Deps, advertiserId: string | null, query: PageQuery) {
  const cursor = decodeCursor(query.cursor, cursorSchema);
  if (!cursor.ok) return cursor;
  const { limit, status } = query;
  const rows = await listTopUps(pool, { advertiserId, status, before: cursor.value, limit });
  return ok(toPage(rows, limit, topUpBody, (row) => [row.createdAt.getTime(), row.topUpId]));
}

async function findOwnTopUp(pool: Deps['pool'], actor: UserActor, topUpId: string): Promise<Result<TopUp>> {
  return requireOwnership(actor, await readTopUp(pool, topUpId), (row) => row.advertiserId, 'top-up');
}

const ORDER_NAME = '광고비 충전';

function topUpBody(topUp: TopUp): z.input<typeof topUpSchema> {
  const { topUpId, advertiserId, method, amountKrw, status, accountNumber, dueAt } = topUp;
  const isWaiting = method === 'card' && status === 'pending';
  const expiresAt = topUp.expiresAt.toISOString();
  return {
    id: topUpId,
    advertiserId,
    method,
    amountKrw,
    status,
    checkout: isWaiting ? { orderId: topUpId, orderName: ORDER_NAME, amountKrw, expiresAt } : null,
    virtualAccount:
      accountNumber === null || dueAt === null
        ? null
        : {
            bankCode: topUp.bankCode ?? '',
            bankName: bankName(topUp.bankCode ?? ''),
            accountNumber,
            accountHolder: topUp.accountHolder ?? '',
            dueAt: dueAt.toISOString(),
          },
    card:
      topUp.cardIssuer === null ? null : { issuer: topUp.cardIssuer, maskedNumber: topUp.maskedCard ?? '' },
    failure:
      topUp.failureCode === null ? null : { code: topUp.failureCode, message: topUp.failureMessage ?? '' },
    createdAt: topUp.createdAt.toISOString(),
    creditedAt: topUp.creditedAt?.toISOString() ?? null,
    reversedAt: topUp.reversedAt?.toISOString() ?? null,
  };
}

const BANK_NAMES: Readonly<Record<string, string>> = DEPOSIT_BANKS;
const bankName = (code: string) => BANK_NAMES[code] ?? code;
