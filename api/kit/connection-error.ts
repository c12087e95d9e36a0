import { ProviderUnavailable } from '../../infra/provider-http.js';

/** Of the operating system, of PostgreSQL's client, and of Prisma (P1001, P1002, P1008, P1017, P2024). */
const CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
]);
/** SQLSTATE: connection exception, insufficient resources (too many connections), operator intervention. */
const SQL_STATE = /^(08|53)[0-9A-Z]{3}$|^57P[0-9A-Z]{2}$/;
/** What `pg` and `ioredis` say without a code. */
const MESSAGES = [
  'Connection terminated',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'Connection is closed.',
  "Stream isn't writeable and enableOfflineQueue options is false",
  'Command timed out',
  'Reached the max retries per request limit',
];
/** Causes are wrapped at most a few times; the bound also ends a circle. */
const MAX_DEPTH = 5;

/** True when a store or an outside service could not be reached or hung up: nothing is wrong with the request, and a later one may succeed. */
export function isConnectionError(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > MAX_DEPTH) return false;
  if (error instanceof ProviderUnavailable) return true;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (CODES.has(code) || SQL_STATE.test(code)) return true;
  if (MESSAGES.some((message) => error.message.includes(message))) return true;
  const inner: unknown[] = error instanceof AggregateError ? [...error.errors] : [];
  return [error.cause, ...inner].some((one) => isConnectionError(one, depth + 1));
}
