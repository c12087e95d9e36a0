import { z } from 'zod';
import {
  findingDetailSchema,
  findingParamsSchema,
  findingPreviewSchema,
  findingRequestSchema,
  findingSchema,
} from '../../contracts/http/invalid-click-findings.js';
import { decidedStatus, FINDING_STATUSES, type FindingVerdict } from '../../domain/invalid-click-finding.js';
import { err, ok, type Result } from '../../domain/result.js';
import { countedAddress } from '../../domain/shopper-address.js';
import { keyedHash } from '../../infra/ids.js';
import { NO_SUCH_FINDING } from '../../operations/decide-invalid-click-finding.js';
import type { FoundClick } from '../../operations/find-invalid-clicks.js';
import {
  startInvalidClickReversal,
  tellFindingDecision,
} from '../../operations/invalid-click-finding-workflow.js';
import {
  type FindingRequest,
  makeFinding,
  previewFinding,
} from '../../operations/make-invalid-click-finding.js';
import {
  type FindingRow,
  listFindingAdvertisers,
  listFindings,
  listMonthsToCorrect,
  MOST_ADVERTISERS_SHOWN,
  readFinding,
} from '../../operations/read-invalid-click-findings.js';
import { auditActor } from '../../operations/record-audit.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { commandIdOf } from './campaign-requests.js';
import type { ConsoleDeps } from './deps.js';

type Deps = Pick<ConsoleDeps, 'pool' | 'temporal' | 'config'>;

const tags = ['Invalid clicks'];
const ADMIN = { roles: ['admin'] } as const;
const STAFF = { roles: ['admin', 'finance'] } as const;

/** Charged clicks that are found invalid afterwards: shown first, taken back when an admin confirms. */
export function invalidClickFindingRoutes(deps: Deps): RouteDefinition[] {
  return [
    makeRoute(deps),
    listRoute(deps),
    readRoute(deps),
    decisionRoute(deps, 'confirmation'),
    decisionRoute(deps, 'withdrawal'),
  ];
}

function makeRoute({ pool, temporal, config }: Deps): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: '/v1/invalid-click-findings',
    summary: 'Find charged clicks that were invalid; with `dryRun` only look.',
    description: 'The clicks are frozen with the finding. No money moves before it is confirmed.',
    tags,
    access: ADMIN,
    body: findingRequestSchema,
    idempotent: true,
    responses: {
      200: { description: 'What would be found.', schema: findingPreviewSchema },
      201: { description: 'The finding waits for its confirmation.', schema: findingDetailSchema },
    },
    handler: async ({ body, actor, idempotencyKey }) => {
      const request = toRequest(body, config.HASH_KEY);
      if (body.dryRun === true) {
        const found = await previewFinding(pool, request);
        return found.ok ? { status: 200 as const, body: previewBody(request, found.value) } : found;
      }
      const made = await makeFinding(pool, {
        ...request,
        idempotencyKey,
        via: 'console',
        ...auditActor(actor),
      });
      if (!made.ok) return made;
      const { findingId } = made.value;
      const started = await startInvalidClickReversal(pool, temporal.client, findingId);
      if (!started.ok) return started;
      const detail = await detailOf(pool, findingId);
      return detail.ok ? { status: 201 as const, body: detail.value } : detail;
    },
  });
}

/** Addresses never get further than this; they are hashed as those of clicks are, IPv6 by its network. */
function toRequest(body: z.output<typeof findingRequestSchema>, hashKey: string): FindingRequest {
  const addresses = (body.ipAddresses ?? []).map((ip) => keyedHash(hashKey, 'ip', countedAddress(ip)));
  return {
    rule: body.rule,
    note: body.note,
    criteria: {
      fromMs: body.from === undefined ? null : Date.parse(body.from),
      toMs: body.to === undefined ? null : Date.parse(body.to),
      deviceHashes: body.deviceHash === undefined ? [] : [body.deviceHash],
      ipHashes: [...new Set([...(body.ipHash === undefined ? [] : [body.ipHash]), ...addresses])].sort(),
      campaignId: body.campaignId ?? null,
      clickIds: [...new Set(body.clickIds ?? [])].sort(),
      clicksPerHour: body.clicksPerHour ?? null,
    },
  };
}

const SAMPLE = 20;

function previewBody({ rule }: FindingRequest, found: readonly FoundClick[]) {
  const whose = new Map<
    string,
    { advertiserId: string; clicks: number; cashKrw: number; promoKrw: number }
  >();
  for (const { advertiserId, cashKrw, promoKrw } of found) {
    const one = whose.get(advertiserId) ?? { advertiserId, clicks: 0, cashKrw: 0, promoKrw: 0 };
    whose.set(advertiserId, one);
    one.clicks += 1;
    one.cashKrw += cashKrw;
    one.promoKrw += promoKrw;
  }
  const byAdvertiser = [...whose.values()].sort((a, b) => b.cashKrw + b.promoKrw - a.cashKrw - a.promoKrw);
  const cashKrw = byAdvertiser.reduce((sum, one) => sum + one.cashKrw, 0);
  const promoKrw = byAdvertiser.reduce((sum, one) => sum + one.promoKrw, 0);
  return {
    rule,
    clicks: found.length,
    advertisers: whose.size,
    cashKrw,
    promoKrw,
    totalKrw: cashKrw + promoKrw,
    byAdvertiser: byAdvertiser.slice(0, MOST_ADVERTISERS_SHOWN),
    sampleClickIds: found.slice(0, SAMPLE).map((click) => click.clickId),
  };
}

function listRoute({ pool }: Deps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/invalid-click-findings',
    summary: 'Findings with what they took back, the newest first.',
    tags,
    access: STAFF,
    query: pageQuerySchema.extend({ status: z.enum(FINDING_STATUSES).optional() }),
    responses: { 200: { description: 'Findings.', schema: pageSchema(findingSchema) } },
    handler: async ({ query }) => {
      const cursor = decodeCursor(
        query.cursor,
        z.tuple([z.number().int().nonnegative(), z.string().max(64)]),
      );
      if (!cursor.ok) return cursor;
      const rows = await listFindings(pool, { ...query, before: cursor.value });
      const positionOf = (row: FindingRow) => [row.createdAt.getTime(), row.findingId];
      return { status: 200, body: toPage(rows, query.limit, toBody, positionOf) };
    },
  });
}

function readRoute({ pool }: Deps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/invalid-click-findings/{id}',
    summary: 'A finding: what it looked for, whom it touches, how far it is carried out.',
    tags,
    access: STAFF,
    params: findingParamsSchema,
    responses: { 200: { description: 'The finding.', schema: findingDetailSchema } },
    handler: async ({ params }) => {
      const detail = await detailOf(pool, params.id);
      return detail.ok ? { status: 200, body: detail.value } : detail;
    },
  });
}

function decisionRoute({ pool, temporal }: Deps, decision: 'confirmation' | 'withdrawal'): RouteDefinition {
  const verdict: FindingVerdict = decision === 'confirmation' ? 'confirm' : 'withdraw';
  return defineRoute({
    method: 'post',
    path: `/v1/invalid-click-findings/{id}/${decision}`,
    summary:
      verdict === 'confirm'
        ? 'Take the clicks of the finding back, each once.'
        : 'Drop the finding; nothing moves.',
    tags,
    access: ADMIN,
    params: findingParamsSchema,
    idempotent: true,
    responses: { 202: { description: 'Decided; the workflow carries it out.', schema: findingDetailSchema } },
    handler: async ({ params, actor, idempotencyKey }) => {
      const finding = await readFinding(pool, params.id);
      if (finding === null) return err(NO_SUCH_FINDING);
      const next = decidedStatus(finding.status, verdict);
      if (!next.ok) return next;
      if (finding.finishedAt === null) {
        // Also when it was confirmed before: a run that somebody ended is taken up again.
        const started = await startInvalidClickReversal(pool, temporal.client, params.id);
        if (!started.ok) return started;
        const commandId = commandIdOf(actor, `finding-${verdict}`, idempotencyKey);
        const command = { commandId, verdict, actorId: actor.userId };
        const told = await tellFindingDecision(temporal.client, params.id, command);
        if (!told.ok) return told;
      }
      const detail = await detailOf(pool, params.id);
      return detail.ok ? { status: 202, body: detail.value } : detail;
    },
  });
}

async function detailOf(
  pool: Deps['pool'],
  id: string,
): Promise<Result<z.input<typeof findingDetailSchema>>> {
  const finding = await readFinding(pool, id);
  if (finding === null) return err(NO_SUCH_FINDING);
  const byAdvertiser = await listFindingAdvertisers(pool, id);
  const needsCorrection = await listMonthsToCorrect(pool, id);
  return ok({ ...toBody(finding), byAdvertiser, needsCorrection });
}

const isoOrNull = (epochMs: number | null) => (epochMs === null ? null : new Date(epochMs).toISOString());

function toBody({ criteria, ...row }: FindingRow) {
  const { fromMs, toMs, clickIds, ...others } = criteria;
  return {
    ...row,
    totalKrw: row.cashKrw + row.promoKrw,
    criteria: {
      ...others,
      deviceHashes: [...others.deviceHashes],
      ipHashes: [...others.ipHashes],
      from: isoOrNull(fromMs),
      to: isoOrNull(toMs),
      clickIds: clickIds.length,
    },
    createdAt: row.createdAt.toISOString(),
    decidedAt: row.decidedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}
