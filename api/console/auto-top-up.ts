import type { z } from 'zod';
import {
  autoTopUpSchema,
  autoTopUpSettingsSchema,
  billingMethodParamsSchema,
  billingMethodRequestSchema,
  billingMethodSchema,
  billingMethodsSchema,
} from '../../contracts/http/top-ups.js';
import { notFound, ROLES } from '../../domain/access.js';
import { err } from '../../domain/result.js';
import { createPaymentProvider } from '../../infra/payment-provider.js';
import { createSecretBox } from '../../infra/secret-box.js';
import { type AutoTopUp, readAutoTopUp, setAutoTopUp } from '../../operations/auto-top-up-settings.js';
import {
  type BillingMethod,
  customerKeyOf,
  listBillingMethods,
  registerBillingMethod,
  removeBillingMethod,
} from '../../operations/billing-methods.js';
import { tryToSignalAutoTopUp } from '../../operations/signal-auto-top-up.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { advertiserParamsSchema, findOwnAdvertiser } from './advertisers.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['Automatic top-up'];

export function autoTopUpRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [
    readRoute(deps),
    setRoute(deps),
    listMethodsRoute(deps),
    registerMethodRoute(deps),
    removeMethodRoute(deps),
  ];
}

function readRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/auto-top-up',
    summary: 'When and how much is charged to the registered card by itself.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    responses: { 200: { description: 'The settings.', schema: autoTopUpSchema } },
    handler: async ({ params, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const settings = await readAutoTopUp(deps.pool, params.id);
      return settings === null
        ? err(notFound('automatic top-up'))
        : { status: 200, body: settingsBody(settings) };
    },
  });
}

function setRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'put',
    path: '/v1/advertisers/{id}/auto-top-up',
    summary: 'Set the automatic top-up. Switched on below the threshold it charges at once.',
    tags,
    access: { roles: ['advertiser'] },
    params: advertiserParamsSchema,
    body: autoTopUpSettingsSchema,
    responses: { 200: { description: 'The settings.', schema: autoTopUpSchema } },
    handler: async ({ params, body, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const stored = await setAutoTopUp(deps.pool, params.id, body, actor.userId);
      if (!stored.ok) return stored;
      if (stored.value.enabled) await tryToSignalAutoTopUp(deps.temporal.client, params.id, deps.log);
      return { status: 200, body: settingsBody(stored.value) };
    },
  });
}

function listMethodsRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/billing-methods',
    summary: 'Registered cards, and what the card window needs to register one.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    responses: { 200: { description: 'Cards.', schema: billingMethodsSchema } },
    handler: async ({ params, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const items = (await listBillingMethods(deps.pool, params.id)).map(methodBody);
      return { status: 200, body: { customerKey: customerKeyOf(params.id), items } };
    },
  });
}

function registerMethodRoute(deps: ConsoleDeps): RouteDefinition {
  const payments = createPaymentProvider(deps.config);
  const secrets = createSecretBox(deps.config.BILLING_KEY_ENCRYPTION_KEY);
  return defineRoute({
    method: 'post',
    path: '/v1/advertisers/{id}/billing-methods',
    summary: 'Register the card that the card window has authorised.',
    tags,
    access: { roles: ['advertiser'] },
    params: advertiserParamsSchema,
    body: billingMethodRequestSchema,
    responses: {
      201: { description: 'Registered.', schema: billingMethodSchema },
      200: { description: 'Registered before with this key.', schema: billingMethodSchema },
    },
    handler: async ({ params, body, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const registered = await registerBillingMethod(
        { pool: deps.pool, payments, secrets },
        { advertiserId: params.id, authKey: body.authKey, createdBy: actor.userId },
      );
      if (!registered.ok) return registered;
      const { method, created } = registered.value;
      return { status: created ? (201 as const) : (200 as const), body: methodBody(method) };
    },
  });
}

function removeMethodRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'delete',
    path: '/v1/advertisers/{id}/billing-methods/{billingMethodId}',
    summary: 'Remove a card. Without any card the automatic top-up is switched off.',
    tags,
    access: { roles: ['advertiser'] },
    params: billingMethodParamsSchema,
    responses: { 204: { description: 'Removed; its key is erased.' } },
    handler: async ({ params, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const { removed } = await removeBillingMethod(deps.pool, params.id, params.billingMethodId);
      return removed ? { status: 204 } : err(notFound('card'));
    },
  });
}

function settingsBody(settings: AutoTopUp): z.input<typeof autoTopUpSchema> {
  return {
    ...settings,
    lastAttemptAt: settings.lastAttemptAt?.toISOString() ?? null,
    updatedAt: settings.updatedAt.toISOString(),
  };
}

function methodBody(method: BillingMethod): z.input<typeof billingMethodSchema> {
  const { billingMethodId, cardIssuer, maskedCard, createdAt } = method;
  return { id: billingMethodId, cardIssuer, maskedCard, createdAt: createdAt.toISOString() };
}
