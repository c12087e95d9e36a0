import { OpenAPIRegistry, OpenApiGeneratorV31, type ResponseConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { problemSchema } from '../../contracts/http/problem.js';
import type { Access, RawBodySpec, RouteDoc } from './route.js';

const namedProblem = problemSchema.meta({
  id: 'Problem',
  description: 'Every error of every endpoint (RFC 9457): a stable code, a sentence, and what to do next.',
});

export function createOpenApiRegistry(): OpenAPIRegistry {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'ads_session',
    description: 'Console session of a browser. State-changing requests also need the header x-csrf: 1.',
  });
  registry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: 'A session token from POST /v1/sessions.',
  });
  registry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, `ak_<id>.<secret>`; also accepted in the header x-api-key.',
  });
  return registry;
}

/** Describes one route, whoever handles it. */
export function registerRouteDoc(registry: OpenAPIRegistry, doc: RouteDoc): void {
  const headers = requestHeaders(doc);
  registry.registerPath({
    method: doc.method,
    path: doc.path,
    operationId: operationId(doc),
    summary: doc.summary,
    description: [doc.description, accessText(doc.access)].filter(Boolean).join('\n\n'),
    ...(doc.tags === undefined ? {} : { tags: [...doc.tags] }),
    security: securityOf(doc.access),
    request: {
      ...(doc.params === undefined ? {} : { params: doc.params }),
      ...(doc.query === undefined ? {} : { query: doc.query }),
      ...(headers === undefined ? {} : { headers }),
      ...(doc.body === undefined
        ? {}
        : { body: { required: true, content: { 'application/json': { schema: doc.body } } } }),
      ...(doc.rawBody === undefined ? {} : { body: { required: true, content: rawContent(doc.rawBody) } }),
    },
    responses: { ...problemResponses(doc), ...ownResponses(doc) },
  });
}

export type OpenApiInfo = {
  readonly title: string;
  readonly version: string;
  readonly description: string;
};

export function generateOpenApi(docs: readonly RouteDoc[], info: OpenApiInfo): Record<string, unknown> {
  const registry = createOpenApiRegistry();
  for (const doc of docs) registerRouteDoc(registry, doc);
  return { ...new OpenApiGeneratorV31(registry.definitions).generateDocument({ openapi: '3.1.0', info }) };
}

function operationId(doc: RouteDoc): string {
  const words = doc.path.replace(/^\/v1\//, '').match(/[A-Za-z0-9]+/g) ?? [];
  return doc.method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function rawContent({ contentTypes }: RawBodySpec) {
  const bytes = { schema: { type: 'string' as const, format: 'binary' } };
  return Object.fromEntries(contentTypes.map((type) => [type, bytes]));
}

function accessText(access: Access): string {
  if ('public' in access) return 'Open to everybody.';
  if ('roles' in access) return `Roles: ${access.roles.join(', ')}.`;
  return `API key with scope \`${access.scope}\`.`;
}

function securityOf(access: Access): Record<string, string[]>[] {
  if ('public' in access) return [];
  if ('roles' in access) return [{ session: [] }, { bearer: [] }];
  return [{ apiKey: [] }];
}

function requestHeaders(doc: RouteDoc): z.ZodObject | undefined {
  if (doc.idempotent !== true) return doc.headers;
  const key = z.string().min(8).max(128).describe('The same for each repetition of one act.');
  return (doc.headers ?? z.object({})).extend({ 'Idempotency-Key': key });
}

function ownResponses(doc: RouteDoc): Record<string, ResponseConfig> {
  return Object.fromEntries(
    Object.entries(doc.responses).map(([status, { description, schema, contentType }]) => [
      status,
      schema === undefined
        ? { description }
        : { description, content: { [contentType ?? 'application/json']: { schema } } },
    ]),
  );
}

function problemResponses(doc: RouteDoc): Record<string, ResponseConfig> {
  const problem = (description: string): ResponseConfig => ({
    description,
    content: { 'application/problem+json': { schema: namedProblem } },
  });
  const guarded = !('public' in doc.access);
  const takesInput = doc.body ?? doc.query ?? doc.params;
  return {
    ...(takesInput === undefined ? {} : { '400': problem('The request is not valid.') }),
    ...(guarded ? { '401': problem('Nobody, or nobody known.') } : {}),
    ...(guarded ? { '403': problem('Known, but not allowed.') } : {}),
    ...(doc.params === undefined ? {} : { '404': problem('No such object, or not yours.') }),
    default: problem('Any other error.'),
  };
}
