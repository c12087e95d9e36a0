import type { ServerResponse } from 'node:http';
import { CORRELATION_HEADER } from '../kit/app.js';
import { challengeOf, type FieldFailure, PROBLEM_CONTENT_TYPE, toProblem } from '../kit/problem.js';

/** On every answer, whoever writes it. A shop's server asks, never a page: nothing of it may be framed or run. */
export const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
} as const;

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8', ...SECURITY_HEADERS } as const;
const PROBLEM_HEADERS = { 'content-type': PROBLEM_CONTENT_TYPE, ...SECURITY_HEADERS } as const;

type Headers = Readonly<Record<string, string | number>>;

/** Written with its length: no etag, no chunks. */
export function respond(res: ServerResponse, status: number, body: unknown, headers: Headers = {}): void {
  end(res, status, asciiJson(body), { ...JSON_HEADERS, ...headers });
}

const FLAT_JSON_HEADERS = Object.entries(JSON_HEADERS).flat();

/**
 * JSON that is ready, all of it ASCII, where nothing has set a header before. Names and values in one list:
 * an object of ten properties costs more to put together than all the rest of the answer.
 */
export function respondJson(res: ServerResponse, text: string, correlation: string, status = 200): void {
  const length = String(text.length);
  res.writeHead(status, [...FLAT_JSON_HEADERS, CORRELATION_HEADER, correlation, 'content-length', length]);
  res.end(text, 'latin1');
}

/** A problem where Express has no part in the answer. */
export function respondProblem(res: ServerResponse, failure: FieldFailure, headers: Headers = {}): void {
  if (res.headersSent) return;
  const problem = toProblem(failure);
  const retry = failure.retryAfterSeconds;
  end(res, problem.status, asciiJson(problem), {
    ...PROBLEM_HEADERS,
    ...challengeOf(failure),
    ...(retry === undefined ? {} : { 'retry-after': retry }),
    ...headers,
  });
}

function end(res: ServerResponse, status: number, text: string, headers: Headers): void {
  res.writeHead(status, { ...headers, 'content-length': text.length });
  res.end(text, 'latin1');
}

/**
 * JSON in ASCII: what is not ASCII stands as `\uXXXX`, which means the same. One letter of Korean would make the whole
 * text twice as wide in memory and send it through an encoder; this way headers and body leave as one string.
 */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(NOT_ASCII, escaped);
}

const NOT_ASCII = /[\u0080-\uffff]/g;
const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
