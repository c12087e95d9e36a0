import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { Actor, ApiKeyActor, ApiScope, Role, UserActor } from '../../domain/access.js';
import { type Err, err, type Failure, invariant, type Result } from '../../domain/result.js';
import { type FieldError, type FieldFailure, fieldErrors, invalidRequest } from './problem.js';
import { deepStrict } from './strict-schema.js';
import { textErrors } from './text-errors.js';

export type HttpMethod = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** Who may call. Every route says it: there is no default, so nothing is open by accident. */
export type Access =
  | { readonly public: true }
  /** `applicants`: also for people of a company that has applied and is not approved; they reach nothing else. */
  | { readonly roles: readonly [Role, ...Role[]]; readonly applicants?: true }
  | { readonly scope: ApiScope };

export interface ResponseSpec {
  readonly description: string;
  /** None for an answer without a body. */
  readonly schema?: z.ZodType;
  /** `application/json` unless said otherwise. */
  readonly contentType?: string;
}
export type Responses = Readonly<Record<number, ResponseSpec>>;

export interface RawBodySpec {
  /** Media types that are read; any other is answered 415. */
  readonly contentTypes: readonly [string, ...string[]];
  /** In the form of Express: `64kb`, `10mb`. More is answered 413. */
  readonly limit: string;
  /** Bodies that are held in memory at a time, of everybody and of one caller; more are answered 429. */
  readonly atOnce?: { readonly all: number; readonly each: number };
}

/** What the documentation of a route needs; also what a server without this kit's handlers registers. */
export interface RouteDoc {
  readonly method: HttpMethod;
  /** In OpenAPI form: `/v1/things/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly access: Access;
  readonly params?: z.ZodObject | undefined;
  readonly query?: z.ZodObject | undefined;
  /** For documentation; only `Idempotency-Key` is read by the kit. */
  readonly headers?: z.ZodObject | undefined;
  readonly body?: z.ZodType | undefined;
  /** Takes the bytes of the body as they came (a signature, a file) instead of JSON: `input.rawBody`. */
  readonly rawBody?: RawBodySpec | undefined;
  readonly responses: Responses;
  /** Takes and requires an `Idempotency-Key` header. */
  readonly idempotent?: boolean | undefined;
}

/** The handler has written the answer by itself (a stream, a file). */
export const ANSWERED = Symbol('answered');

export interface RouteAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request after the access check, before validation. */
export interface RawRequest {
  readonly req: Request;
  readonly res: Response;
  readonly actor: Actor | null;
  readonly correlationId: string;
}

/** One route with its types closed over: what an app registers. Made by `defineRoute` only. */
export interface RouteDefinition extends RouteDoc {
  readonly handle: (raw: RawRequest) => Promise<RouteAnswer | Err<FieldFailure> | typeof ANSWERED>;
}

type ActorFor<A extends Access> = A extends { readonly public: true }
  ? null
  : A extends { readonly roles: readonly Role[] }
    ? UserActor
    : ApiKeyActor;
type Output<S> = S extends z.ZodType ? z.output<S> : undefined;
type Headers = Readonly<Record<string, string>>;
/** `S` is its own type parameter so that `status: 200` keeps its literal type in a handler's answer. */
type Reply<R extends Responses, S extends keyof R> = {
  readonly status: S;
  readonly headers?: Headers;
} & NoInfer<BodyOf<R[S]>>;
type BodyOf<Spec> = Spec extends { readonly schema: infer Schema extends z.ZodType }
  ? { readonly body: z.input<Schema> }
  : { readonly body?: undefined };

export interface RouteInput<A extends Access, P, Q, B> {
  readonly params: Output<P>;
  readonly query: Output<Q>;
  readonly body: Output<B>;
  /** The bytes of the body on routes with `rawBody`; empty on all others. */
  readonly rawBody: Buffer;
  /** Verified by us; null on public routes only. */
  readonly actor: ActorFor<A>;
  readonly correlationId: string;
  /** The caller's key of this act; empty on routes that are not `idempotent`. */
  readonly idempotencyKey: string;
  readonly req: Request;
  readonly res: Response;
}

export interface RouteSpec<
  A extends Access,
  P extends z.ZodObject | undefined,
  Q extends z.ZodObject | undefined,
  B extends z.ZodType | undefined,
  R extends Responses,
  S extends keyof R & number,
> extends RouteDoc {
  readonly access: A;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly responses: R;
  readonly handler: (input: RouteInput<A, P, Q, B>) => Promise<Reply<R, S> | Err<Failure> | typeof ANSWERED>;
}

/**
 * One definition from which both the Express route and its OpenAPI description come. Throws at start-up when
 * the definition leaves something open: no access, a path in Express form, params that do not match the path.
 */
export function defineRoute<
  const A extends Access,
  const R extends Responses,
  S extends keyof R & number,
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(spec: RouteSpec<A, P, Q, B, R, S>): RouteDefinition {
  assertComplete(spec);
  const { handler, ...doc } = spec;
  const strict = { params: strictly(spec.params), query: strictly(spec.query), body: strictly(spec.body) };
  return {
    ...doc,
    ...strict,
    handle: async (raw) => {
      const input = readInput(spec, strict, raw);
      if (!input.ok) return input;
      const answer = await handler(input.value);
      if (answer === ANSWERED || 'ok' in answer) return answer;
      return checkedAnswer(spec, answer);
    },
  };
}

function strictly<S extends z.ZodType | undefined>(schema: S): S {
  return (schema === undefined ? undefined : deepStrict(schema)) as S;
}

const PATH_PARAMETER = /\{([A-Za-z0-9_]+)\}/g;

/** Express form of an OpenAPI path: `/v1/things/{id}` -> `/v1/things/:id`. */
export function expressPath(path: string): string {
  return path.replace(PATH_PARAMETER, ':$1');
}

export function assertComplete(doc: RouteDoc): void {
  const name = `${doc.method.toUpperCase()} ${doc.path}`;
  const access: Partial<Record<string, unknown>> | undefined = doc.access;
  const named = ['public', 'roles', 'scope'].filter((key) => access?.[key] !== undefined);
  invariant(named.length === 1, `${name} must say who may call it: public, roles or scope`);
  invariant(!doc.path.includes(':'), `${name}: write path parameters as {id}`);
  const inPath = [...doc.path.matchAll(PATH_PARAMETER)].map((match) => match[1]).sort();
  const declared = Object.keys(doc.params?.shape ?? {}).sort();
  invariant(
    inPath.join() === declared.join(),
    `${name}: params (${declared}) differ from the path (${inPath})`,
  );
  invariant(doc.body === undefined || doc.method !== 'get', `${name}: GET has no body`);
  invariant(doc.body === undefined || doc.rawBody === undefined, `${name}: either body or rawBody`);
}

export const IDEMPOTENCY_KEY = /^[A-Za-z0-9_.:-]{8,128}$/;

/** Everything wrong with params, query, body and key together, so that a caller corrects it in one go. */
function readInput<
  A extends Access,
  P extends z.ZodObject | undefined,
  Q extends z.ZodObject | undefined,
  B extends z.ZodType | undefined,
>(
  spec: RouteDoc & { readonly access: A },
  strict: { params: P; query: Q; body: B },
  raw: RawRequest,
): Result<RouteInput<A, P, Q, B>, FieldFailure> {
  const errors: FieldError[] = [];
  const read = <S extends z.ZodType | undefined>(where: string, schema: S, value: unknown): Output<S> => {
    if (schema === undefined) return undefined as Output<S>;
    const parsed = schema.safeParse(value);
    if (!parsed.success) errors.push(...fieldErrors(where, parsed.error));
    errors.push(...textErrors(where, value));
    return parsed.data as Output<S>;
  };
  const params = read('params', strict.params, raw.req.params);
  const query = read('query', strict.query, raw.req.query);
  const body = read('body', strict.body, raw.req.body);
  const idempotencyKey = spec.idempotent === true ? (raw.req.get('idempotency-key') ?? '') : '';
  if (spec.idempotent === true && !IDEMPOTENCY_KEY.test(idempotencyKey)) {
    errors.push({
      field: 'headers.idempotency-key',
      message: 'required: 8 to 128 letters, digits or _ . : -, the same for each repetition of one act',
    });
  }
  if (errors.length > 0) return err(invalidRequest(errors));
  const { actor, correlationId, req, res } = raw;
  const checkedActor = actor as ActorFor<A>;
  const rawBody = Buffer.isBuffer(raw.req.body) ? raw.req.body : Buffer.alloc(0);
  return {
    ok: true,
    value: { params, query, body, rawBody, actor: checkedActor, correlationId, idempotencyKey, req, res },
  };
}

/** An answer that differs from its own description is a bug; fields that are not described never leave. */
function checkedAnswer(doc: RouteDoc, answer: RouteAnswer): RouteAnswer {
  const response = doc.responses[answer.status];
  invariant(response !== undefined, `${doc.method} ${doc.path} answers an undeclared ${answer.status}`);
  if (response.schema === undefined) return answer;
  return { ...answer, body: response.schema.parse(answer.body) };
}
