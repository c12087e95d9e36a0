import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Problem } from '../../contracts/http/problem.js';
import type { Failure } from '../../domain/result.js';
import { correlationId } from '../../infra/log.js';
import { isConnectionError } from './connection-error.js';
import { nextStepOfStatus, statusOfFailure } from './failure-status.js';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';

export type FieldError = NonNullable<Problem['errors']>[number];

/** A failure may name several fields at once. */
export interface FieldFailure extends Failure {
  readonly errors?: readonly FieldError[];
  /** Told as `Retry-After`. */
  readonly retryAfterSeconds?: number;
}

/** The RFC 9457 body of a failure; its status comes from the one map. */
export function toProblem(failure: FieldFailure): Problem {
  const status = statusOfFailure(failure.code);
  const errors =
    failure.errors ??
    (failure.field === undefined ? [] : [{ field: failure.field, message: failure.message }]);
  const id = correlationId();
  return {
    type: `urn:cpc-ads:problem:${failure.code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code: failure.code,
    detail: failure.message,
    nextStep: failure.nextStep ?? nextStepOfStatus(status),
    ...(errors.length === 0 ? {} : { errors: [...errors] }),
    ...(id === undefined ? {} : { correlationId: id }),
  };
}

/** What goes with a 401 beside its problem: how to present a key (RFC 9110, 11.6.1). */
export const challengeOf = ({ code }: Failure): Record<string, string> =>
  code === 'unauthenticated' ? { 'www-authenticate': 'Bearer' } : {};

/** Answers with the problem of this failure. Nothing is written when the answer is already on its way. */
export function sendProblem(
  res: Response,
  failure: FieldFailure,
  headers: Record<string, string> = {},
): void {
  if (res.headersSent) return;
  const problem = toProblem(failure);
  const body = Buffer.from(JSON.stringify(problem));
  res.status(problem.status);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (failure.retryAfterSeconds !== undefined) res.setHeader('retry-after', failure.retryAfterSeconds);
  res.setHeader('content-type', PROBLEM_CONTENT_TYPE);
  res.setHeader('cache-control', 'no-store');
  res.end(body);
}

/** Zod's findings as one failure that names every field; `where` is params, query, body or headers. */
export function invalidRequest(errors: readonly FieldError[]): FieldFailure {
  const fields = errors.map((error) => error.field).join(', ');
  return {
    code: 'invalid_request',
    message: `The request is not valid: ${fields}.`,
    nextStep: 'Correct the listed fields and send it again.',
    errors,
  };
}

export function fieldErrors(where: string, error: z.ZodError): FieldError[] {
  return error.issues.flatMap((issue) => {
    const path = [where, ...issue.path.map(String)];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ field: [...path, key].join('.'), message: 'unknown field' }));
    }
    return [{ field: path.join('.'), message: issue.message }];
  });
}

/** Thrown where a failure cannot be returned (middleware of others); becomes a problem, not a 500. */
export class FailureError extends Error {
  constructor(readonly failure: FieldFailure) {
    super(failure.message);
  }
}

export function notFoundHandler(): RequestHandler {
  return (req, res) => {
    sendProblem(res, {
      code: 'not_found',
      message: `There is nothing at ${req.method} ${req.path}.`,
      nextStep: 'See /openapi.json for what there is.',
    });
  };
}

export function methodNotAllowedHandler(allowed: readonly string[]): RequestHandler {
  return (req, res) => {
    sendProblem(
      res,
      {
        code: 'method_not_allowed',
        message: `${req.method} is not possible here.`,
        nextStep: `Use ${allowed.join(' or ')}.`,
      },
      { allow: allowed.join(', ') },
    );
  };
}

export const MALFORMED_JSON: FieldFailure = {
  code: 'malformed_json',
  message: 'The body is not valid JSON.',
};

/** What Express's own body reader throws, in our words. */
const BODY_FAILURES: Readonly<Record<string, FieldFailure>> = {
  'entity.too.large': {
    code: 'body_too_large',
    message: 'The body is larger than what is taken here (64 kB where nothing else is said).',
    nextStep: 'Send less in one request.',
  },
  'entity.parse.failed': MALFORMED_JSON,
  'encoding.unsupported': {
    code: 'unsupported_media_type',
    message: 'The content encoding is not supported.',
  },
  'charset.unsupported': { code: 'unsupported_media_type', message: 'Only UTF-8 is supported.' },
  'request.aborted': { code: 'invalid_request', message: 'The request was cut off.' },
  'request.size.invalid': { code: 'invalid_request', message: 'The body does not have its declared length.' },
};

export function failureOfError(error: unknown): FieldFailure | null {
  if (error instanceof FailureError) return error.failure;
  if (error instanceof URIError) {
    return { code: 'invalid_request', message: 'The address of the request is not valid.' };
  }
  if (!(error instanceof Error)) return null;
  const known = 'type' in error && typeof error.type === 'string' ? BODY_FAILURES[error.type] : undefined;
  return known ?? (isUnreadable(error) ? UNREADABLE : null);
}

/** What Express's readers blame on the request and give no name: a body that is not as compressed as it says. */
const isUnreadable = (error: Error): boolean =>
  'status' in error && error.status === 400 && 'expose' in error && error.expose === true;

const UNREADABLE: FieldFailure = {
  code: 'invalid_request',
  message: 'The request cannot be read.',
  nextStep: 'Send the body as its content-encoding and content-length say.',
};

const UNAVAILABLE: FieldFailure = {
  code: 'dependency_unavailable',
  message: 'A part of our system does not answer.',
  nextStep: 'Try again in a moment; with the same Idempotency-Key nothing is done twice.',
};

export const INTERNAL_ERROR: FieldFailure = {
  code: 'internal_error',
  message: 'Something went wrong on our side.',
  nextStep: 'Try again; if it stays, tell us the correlation id.',
};

/** Last in the chain: known failures become their problem, outages 503; the rest is a bug, logged, told as 500. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, req: Request, res: Response, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    const failure = failureOfError(error);
    if (failure !== null) {
      sendProblem(res, failure);
      return;
    }
    if (isConnectionError(error)) {
      log.warn({ err: error, method: req.method, path: req.path }, 'a store does not answer');
      sendProblem(res, UNAVAILABLE);
      return;
    }
    log.error({ err: error, method: req.method, path: req.path }, 'request failed');
    sendProblem(res, INTERNAL_ERROR);
  };
}
