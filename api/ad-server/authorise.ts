import type { IncomingMessage } from 'node:http';
import type { ApiKeyActor } from '../../domain/access.js';
import type { Result } from '../../domain/result.js';
import type { ApiKeyCache } from '../../operations/api-key-cache.js';
import { checkAccess } from '../kit/access.js';
import type { Access } from '../kit/route.js';

export type Authorise = (req: IncomingMessage, access: Access) => Promise<Result<unknown>>;

const BEARER = 'Bearer ';

/** The API key of a request, against what the route asks for. */
export function createAuthorise(keys: Pick<ApiKeyCache, 'verify'>): Authorise {
  return async (req, access) => {
    const key = apiKeyOf(req);
    const known: Result<ApiKeyActor | null> =
      key === null ? { ok: true, value: null } : await keys.verify(key);
    return known.ok ? checkAccess(access, known.value) : known;
  };
}

function apiKeyOf(req: IncomingMessage): string | null {
  const { authorization } = req.headers;
  if (authorization?.startsWith(BEARER)) return authorization.slice(BEARER.length);
  const header = req.headers['x-api-key'];
  return typeof header === 'string' ? header : null;
}
