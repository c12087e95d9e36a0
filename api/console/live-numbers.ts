import { alertSettingsSchema, liveNumbersSchema } from '../../contracts/http/monitoring.js';
import { ROLES } from '../../domain/access.js';
import { invariant } from '../../domain/result.js';
import { readAlertSettingsOf, setAlertSettings } from '../../operations/alert-settings.js';
import { readLiveNumbers } from '../../operations/read-live-numbers.js';
import { sendTooManyRequests } from '../kit/app.js';
import { ANSWERED, defineRoute, type RouteDefinition } from '../kit/route.js';
import { advertiserParamsSchema, findOwnAdvertiser } from './advertisers.js';
import type { ConsoleDeps } from './deps.js';
import { LiveHub } from './live-hub.js';

const tags = ['Monitoring'];
/** A person whose tabs are all open waits until one is closed. */
const RETRY_AFTER_SECONDS = 30;

export function liveNumbersRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [summaryRoute(deps), liveRoute(deps), ...alertSettingsRoutes(deps)];
}

function summaryRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/summary',
    summary: 'Money and results of today, now.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    responses: { 200: { description: 'The numbers of this moment.', schema: liveNumbersSchema } },
    handler: async ({ params, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const body = (await readLiveNumbers(deps.pool, [params.id])).get(params.id);
      invariant(body, 'every advertiser has numbers');
      return { status: 200, body };
    },
  });
}

function liveRoute(deps: ConsoleDeps): RouteDefinition {
  const { pool, log, draining } = deps;
  const hub = new LiveHub({ read: (ids) => readLiveNumbers(pool, ids), log, draining });
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/live',
    summary: 'The same numbers as they change: server-sent events.',
    description:
      'An event `numbers` at most every second, only when something changed; its data is that of `/summary`. ' +
      'A browser that comes back with `Last-Event-ID` gets only news.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    responses: { 200: { description: 'A stream of events.', contentType: 'text/event-stream' } },
    handler: async ({ params, actor, req, res }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      if (!hub.add(res, params.id, actor.userId, req.get('last-event-id') ?? null)) {
        sendTooManyRequests(res, RETRY_AFTER_SECONDS);
      }
      return ANSWERED;
    },
  });
}

function alertSettingsRoutes(deps: ConsoleDeps): RouteDefinition[] {
  const path = '/v1/advertisers/{id}/alert-settings';
  const responses = { 200: { description: 'What this advertiser is told.', schema: alertSettingsSchema } };
  return [
    defineRoute({
      method: 'get',
      path,
      summary: 'At which thresholds the advertiser is told about its money.',
      tags,
      access: { roles: [...ROLES] },
      params: advertiserParamsSchema,
      responses,
      handler: async ({ params, actor }) => {
        const advertiser = await findOwnAdvertiser(deps, actor, params.id);
        if (!advertiser.ok) return advertiser;
        return { status: 200, body: settingsBody(await readAlertSettingsOf(deps.pool, params.id)) };
      },
    }),
    defineRoute({
      method: 'put',
      path,
      summary: 'Replaces the thresholds as a whole.',
      tags,
      access: { roles: ['advertiser'] },
      params: advertiserParamsSchema,
      body: alertSettingsSchema,
      responses,
      handler: async ({ params, actor, body }) => {
        const advertiser = await findOwnAdvertiser(deps, actor, params.id);
        if (!advertiser.ok) return advertiser;
        const stored = await setAlertSettings(deps.pool, params.id, body, actor.userId);
        return { status: 200, body: settingsBody(stored) };
      },
    }),
  ];
}

const settingsBody = (settings: Awaited<ReturnType<typeof readAlertSettingsOf>>) => ({
  ...settings,
  dailyBudgetPercents: [...settings.dailyBudgetPercents],
  totalBudgetPercents: [...settings.totalBudgetPercents],
});
