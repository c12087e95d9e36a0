import type { z } from 'zod';
import {
  applicationChangeSchema,
  applicationDetailSchema,
  applicationParamsSchema,
  applicationSchema,
  documentParamsSchema,
  documentQuerySchema,
  newApplicationSchema,
} from '../../contracts/http/advertiser-applications.js';
import { notFound, requireOwnership, type UserActor } from '../../domain/access.js';
import {
  applicationDiff,
  DOCUMENT_TYPES,
  documentTypeOf,
  type SubmittedVersion,
} from '../../domain/advertiser-application.js';
import { err, type Failure, type Result } from '../../domain/result.js';
import { keyedHash } from '../../infra/ids.js';
import {
  changeApplication,
  createApplication,
  putDocument,
  submitApplication,
} from '../../operations/advertiser-application.js';
import {
  type Application,
  type ApplicationVersion,
  readApplication,
  readApplicationHistory,
  readDocument,
} from '../../operations/advertiser-application-read.js';
import {
  queryAdvertiserOnboarding,
  submitAdvertiserOnboarding,
} from '../../operations/advertiser-onboarding-workflow.js';
import { createApplicationLimiter } from '../../operations/limit-applications.js';
import { ANSWERED, defineRoute, type RouteDefinition } from '../kit/route.js';
import { isoTime } from './campaign-requests.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['Advertiser applications'];
const OWNER = { roles: ['advertiser'], applicants: true } as const;
const OWNER_OR_ADMIN = { roles: ['advertiser', 'admin'], applicants: true } as const;

export function advertiserApplicationRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [
    signUpRoute(deps),
    readRoute(deps),
    changeRoute(deps),
    putDocumentRoute(deps),
    getDocumentRoute(deps),
    submissionRoute(deps),
  ];
}

/** The application of the path when it exists and this person may see it; the same 404 otherwise. */
export async function findOwnApplication(
  { pool }: Pick<ConsoleDeps, 'pool'>,
  actor: UserActor,
  advertiserId: string,
): Promise<Result<Application>> {
  const application = await readApplication(pool, advertiserId);
  return requireOwnership(actor, application, (row) => row.advertiserId, 'application');
}

function signUpRoute(deps: ConsoleDeps): RouteDefinition {
  const limit = createApplicationLimiter(deps.redis);
  return defineRoute({
    method: 'post',
    path: '/v1/advertiser-applications',
    summary:
      'A company signs up. Its person may sign in at once, and sees its application only until approved.',
    tags,
    access: { public: true },
    body: newApplicationSchema,
    responses: { 201: { description: 'The draft of the application.', schema: applicationSchema } },
    handler: async ({ body, req }) => {
      const allowed = await limit(keyedHash(deps.config.HASH_KEY, 'ip', req.ip ?? 'unknown'));
      if (!allowed.ok) return allowed;
      const { password, contractAccepted: _, ...fields } = body;
      const created = await createApplication(deps.pool, { fields, password });
      return created.ok ? { status: 201, body: applicationBody(created.value) } : created;
    },
  });
}

function readRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertiser-applications/{id}',
    summary: 'One application with every submission, what it changed, and what was decided.',
    tags,
    access: OWNER_OR_ADMIN,
    params: applicationParamsSchema,
    responses: { 200: { description: 'The application.', schema: applicationDetailSchema } },
    handler: async ({ actor, params }) => {
      const application = await findOwnApplication(deps, actor, params.id);
      if (!application.ok) return application;
      const { version, advertiserId } = application.value;
      const asked = actor.role === 'admin' && version > 0;
      const [history, onboarding] = await Promise.all([
        readApplicationHistory(deps.pool, advertiserId),
        asked ? queryAdvertiserOnboarding(deps.temporal.client, advertiserId) : null,
      ]);
      return {
        status: 200,
        body: {
          ...applicationBody(application.value),
          history: history.map((row, index) => versionBody(row, history[index - 1])),
          onboarding: onboarding?.ok === true ? onboarding.value : null,
        },
      };
    },
  });
}

function changeRoute({ pool }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'patch',
    path: '/v1/advertiser-applications/{id}',
    summary: 'Corrects particulars, before the first submission or after a rejection.',
    tags,
    access: OWNER,
    params: applicationParamsSchema,
    body: applicationChangeSchema,
    responses: { 200: { description: 'The application.', schema: applicationSchema } },
    handler: async ({ actor, params, body }) => {
      const own = await findOwnApplication({ pool }, actor, params.id);
      if (!own.ok) return own;
      const changed = await changeApplication(pool, params.id, body);
      return changed.ok ? { status: 200, body: applicationBody(changed.value) } : changed;
    },
  });
}

function putDocumentRoute({ pool }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'put',
    path: '/v1/advertiser-applications/{id}/documents/{kind}',
    summary: 'Sends a paper (PDF, PNG or JPEG, at most 10 MiB); sent again it replaces the one before.',
    tags,
    access: OWNER,
    params: documentParamsSchema,
    rawBody: { contentTypes: DOCUMENT_TYPES, limit: '10mb', atOnce: { all: 16, each: 2 } },
    responses: { 200: { description: 'The application.', schema: applicationSchema } },
    handler: async ({ actor, params, rawBody, req }) => {
      const own = await findOwnApplication({ pool }, actor, params.id);
      if (!own.ok) return own;
      const contentType = documentTypeOf(rawBody);
      if (contentType === null || req.is(contentType) === false) return err(WRONG_CONTENT);
      const { kind } = params;
      const stored = await putDocument(pool, params.id, { kind, contentType, content: rawBody });
      return stored.ok ? { status: 200, body: applicationBody(stored.value) } : stored;
    },
  });
}

const WRONG_CONTENT: Failure = {
  code: 'unsupported_media_type',
  message: 'The file is not what its content type says, or is empty.',
  nextStep: 'Send a PDF, PNG or JPEG file under its own content type.',
  field: 'body',
};

const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'image/png': 'png',
  'image/jpeg': 'jpg',
};

function getDocumentRoute({ pool }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertiser-applications/{id}/documents/{kind}',
    summary: 'A paper as it was sent.',
    tags,
    access: OWNER_OR_ADMIN,
    params: documentParamsSchema,
    query: documentQuerySchema,
    responses: { 200: { description: 'The file.', contentType: 'application/octet-stream' } },
    handler: async ({ actor, params, query, res }) => {
      const own = await findOwnApplication({ pool }, actor, params.id);
      if (!own.ok) return own;
      const file = await readDocument(pool, params.id, params.kind, query.version ?? null);
      if (file === null) return err(notFound('document'));
      const name = `${params.kind}.${EXTENSIONS[file.contentType] ?? 'bin'}`;
      res.setHeader('content-type', file.contentType);
      res.setHeader('content-disposition', `attachment; filename="${name}"`);
      res.setHeader('x-content-type-options', 'nosniff');
      res.setHeader('cache-control', 'no-store');
      res.status(200).end(file.content);
      return ANSWERED;
    },
  });
}

function submissionRoute({ pool, temporal }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: '/v1/advertiser-applications/{id}/submission',
    summary: 'Submits the application, or its correction, for review. Safe to repeat.',
    tags,
    access: OWNER,
    params: applicationParamsSchema,
    responses: { 202: { description: 'Is checked, then waits for a reviewer.', schema: applicationSchema } },
    handler: async ({ actor, params }) => {
      const own = await findOwnApplication({ pool }, actor, params.id);
      if (!own.ok) return own;
      const submitted = await submitApplication(pool, params.id);
      if (!submitted.ok) return submitted;
      const started = await submitAdvertiserOnboarding(temporal.client, submitted.value);
      return started.ok ? { status: 202, body: applicationBody(submitted.value) } : started;
    },
  });
}

export function applicationBody(application: Application): z.input<typeof applicationSchema> {
  return {
    ...application,
    id: application.advertiserId,
    documents: application.documents.map((paper) => ({
      ...paper,
      contentType: DOCUMENT_TYPES.find((type) => type === paper.contentType) ?? 'application/pdf',
      uploadedAt: isoTime(paper.uploadedAt),
    })),
    submittedAt: application.submittedAt === null ? null : isoTime(application.submittedAt),
    resubmitUntil: application.resubmitUntil === null ? null : isoTime(application.resubmitUntil),
    createdAt: isoTime(application.createdAt),
    updatedAt: isoTime(application.updatedAt),
  };
}

/** Who decided stays inside: a seller sees whether it was a person. */
function versionBody(row: ApplicationVersion, before: SubmittedVersion | undefined) {
  return {
    version: row.version,
    submittedAt: isoTime(row.submittedAt),
    changes: before === undefined ? [] : applicationDiff(before, row),
    findings: [...(row.check?.findings ?? [])],
    checkedAt: row.check === null ? null : isoTime(row.check.checkedAt),
    review: row.review && {
      verdict: row.review.verdict,
      reasons: [...row.review.reasons],
      automatic: row.review.via === 'system',
      decidedAt: isoTime(row.review.decidedAt),
    },
  };
}
