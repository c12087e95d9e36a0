import { z } from 'zod';
import {
  deadLetterDetailSchema,
  deadLetterParamsSchema,
  deadLetterResolutionSchema,
  deadLetterSchema,
} from '../../contracts/http/dead-letters.js';
import { TOPICS } from '../../contracts/topics.js';
import { deadLetterStatusOf } from '../../domain/dead-letter.js';
import { maskedField, maskedRecord, maskedText } from '../../domain/masked-record.js';
import { err } from '../../domain/result.js';
import { appendRecord, topicName } from '../../infra/kafka.js';
import {
  DEAD_LETTER_STATUSES,
  type DeadLetterRow,
  listDeadLetters,
  readDeadLetter,
  readDeadLetterValue,
} from '../../operations/read-dead-letters.js';
import { auditActor } from '../../operations/record-audit.js';
import { replayDeadLetter } from '../../operations/replay-dead-letters.js';
import { NO_SUCH_DEAD_LETTER, resolveDeadLetter } from '../../operations/resolve-dead-letter.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';

type Deps = Pick<ConsoleDeps, 'pool' | 'config' | 'log'>;

const tags = ['Operations'];
const ADMIN = { roles: ['admin'] } as const;

/** Records that no consumer could take; a day with one of ad-events is not settled until it is resolved. */
export function deadLetterRoutes(deps: Deps): RouteDefinition[] {
  return [listRoute(deps), readRoute(deps), replayRoute(deps), resolutionRoute(deps)];
}

function listRoute({ pool }: Deps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/dead-letters',
    summary:
      'Records that were set aside, the oldest first; those that nobody has resolved unless asked otherwise.',
    tags,
    access: ADMIN,
    query: pageQuerySchema.extend({
      status: z.enum(DEAD_LETTER_STATUSES).default('unresolved'),
      reason: z.string().min(1).max(200).optional().describe('A part of the reason.'),
      topic: z.string().min(1).max(200).optional(),
    }),
    responses: { 200: { description: 'Dead letters.', schema: pageSchema(deadLetterSchema) } },
    handler: async ({ query }) => {
      const cursor = decodeCursor(query.cursor, z.tuple([z.number().int().positive()]));
      if (!cursor.ok) return cursor;
      const rows = await listDeadLetters(pool, { ...query, afterId: cursor.value?.[0] ?? null });
      return { status: 200, body: toPage(rows, query.limit, toBody, (row) => [row.id]) };
    },
  });
}

function readRoute({ pool }: Deps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/dead-letters/{id}',
    summary: 'One record that was set aside, with its content.',
    tags,
    access: ADMIN,
    params: deadLetterParamsSchema,
    responses: { 200: { description: 'The dead letter.', schema: deadLetterDetailSchema } },
    handler: async ({ params }) => {
      const row = await readDeadLetter(pool, Number(params.id));
      if (row === null) return err(NO_SUCH_DEAD_LETTER);
      const value = await readDeadLetterValue(pool, row.id);
      const headers = Object.entries(row.headers).map(([name, text]) => [
        name,
        text === null ? null : maskedField(name, text),
      ]);
      return {
        status: 200,
        body: {
          ...toBody(row),
          headers: Object.fromEntries(headers),
          value: value === null ? null : maskedRecord(value.toString('utf8')),
          valueBytes: value?.length ?? null,
        },
      };
    },
  });
}

function replayRoute({ pool, config, log }: Deps): RouteDefinition {
  const topics = Object.values(TOPICS).map((topic) => topicName(config, topic));
  return defineRoute({
    method: 'post',
    path: '/v1/dead-letters/{id}/replay',
    summary: 'Appends the record to its topic again, once its cause is removed.',
    description:
      'It is resolved as soon as its click has an outcome; repeat it freely, a click is charged once.',
    tags,
    access: ADMIN,
    params: deadLetterParamsSchema,
    responses: {
      202: {
        description: 'Appended; `replayed` until its consumer has heard of it, which may be so by now.',
        schema: deadLetterSchema,
      },
    },
    handler: async ({ params, actor }) => {
      const replayed = await replayDeadLetter(
        { pool, topics, log, append: (record) => appendRecord(config, log, record) },
        { id: Number(params.id), via: 'console', ...auditActor(actor) },
      );
      return replayed.ok ? { status: 202, body: toBody(replayed.value) } : replayed;
    },
  });
}

function resolutionRoute({ pool }: Deps): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: '/v1/dead-letters/{id}/resolution',
    summary: 'Says why a record needs no outcome; then it holds up no settlement.',
    tags,
    access: ADMIN,
    params: deadLetterParamsSchema,
    body: deadLetterResolutionSchema,
    responses: { 200: { description: 'Resolved.', schema: deadLetterSchema } },
    handler: async ({ params, body, actor }) => {
      const request = {
        id: Number(params.id),
        note: body.note,
        via: 'console',
        ...auditActor(actor),
      } as const;
      const resolved = await resolveDeadLetter(pool, request);
      return resolved.ok ? { status: 200, body: toBody(resolved.value) } : resolved;
    },
  });
}

function toBody({ headers: _, ...row }: DeadLetterRow) {
  return {
    ...row,
    key: row.key === null ? null : maskedText(row.key),
    reason: maskedText(row.reason),
    status: deadLetterStatusOf(row),
    createdAt: row.createdAt.toISOString(),
    failedAt: row.failedAt.toISOString(),
    replayedAt: row.replayedAt?.toISOString() ?? null,
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
  };
}
