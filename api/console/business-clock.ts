import {
  advanceClockSchema,
  advancedClockSchema,
  businessClockSchema,
} from '../../contracts/http/business-clock.js';
import { ROLES } from '../../domain/access.js';
import { businessDateOf, isBusinessDate, startOfBusinessDate } from '../../domain/business-date.js';
import { invariant } from '../../domain/result.js';
import type { DatabasePool } from '../../infra/postgres.js';
import { advanceBusinessClock } from '../../operations/advance-business-clock.js';
import { auditActor } from '../../operations/record-audit.js';
import { tellCampaignsThatClockMoved } from '../../operations/tell-clock-moved.js';
import { type Access, defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['Business clock'];

export function businessClockRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [readRoute(deps), advanceRoute(deps)];
}

/** Demonstration shops and pages show it before anybody signs in; in production it is real time, for people only. */
function readRoute(deps: ConsoleDeps): RouteDefinition {
  const access: Access = deps.config.ADS_ENV === 'production' ? { roles: [...ROLES] } : { public: true };
  return defineRoute({
    method: 'get',
    path: '/v1/business-clock',
    summary: 'What time it is for money and deadlines.',
    tags,
    access,
    responses: { 200: { description: 'Business time.', schema: businessClockSchema } },
    handler: async () => ({ status: 200, body: await readClock(deps.pool) }),
  });
}

function advanceRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: '/v1/business-clock/advances',
    summary: 'Move business time forward, so that a day or a month ends. Refused in production.',
    tags,
    access: { roles: ['admin', 'finance'] },
    body: advanceClockSchema,
    responses: { 201: { description: 'Moved.', schema: advancedClockSchema } },
    handler: async ({ body, actor }) => {
      const environment = deps.config.ADS_ENV;
      const moved = await advanceBusinessClock(deps.pool, {
        ...targetOf(body),
        environment,
        actor: auditActor(actor),
      });
      if (!moved.ok) return moved;
      const campaignsTold = await tellCampaignsThatClockMoved(deps.pool, deps.temporal.client, deps.log);
      return { status: 201, body: { ...(await readClock(deps.pool)), campaignsTold } };
    },
  });
}

function targetOf({ byMs, toDate }: { byMs?: number | undefined; toDate?: string | undefined }) {
  if (byMs !== undefined) return { byMs };
  invariant(
    toDate !== undefined && isBusinessDate(toDate),
    'the schema lets exactly one of byMs and toDate pass',
  );
  return { toMs: startOfBusinessDate(toDate) };
}

async function readClock(pool: DatabasePool) {
  const { rows } = await pool.query<{ now: Date; offset_ms: number }>(
    'SELECT business_now() AS now, offset_ms FROM business_clock',
  );
  const clock = rows[0];
  invariant(clock !== undefined, 'the business clock has one row');
  return {
    now: clock.now.toISOString(),
    businessDate: businessDateOf(clock.now.getTime()),
    offsetMs: clock.offset_ms,
  };
}
