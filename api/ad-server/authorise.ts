import type { IncomingMessage } from 'node:http';
import type { ApiKeyActor, ApiScope } from '../../domain/access.js';
import { err, type Failure, ok, type Result } from '../../domain/result.js';
import type { ApiKeyCache } from '../../operations/api-key-cache.js';
import { checkAccess } from '../kit/access.js';
import type { FieldFailure } from '../kit/problem.js';
import type { Access } from '../kit/route.js';
import type { KeyLimits } from './key-limits.js';

export type Authorised = Result<unknown, FieldFailure>;
/** At once for a key that is known here, which is every key but its first time. */
export type Authorise = (req: IncomingMessage, access: Access) => Authorised | Promise<Authorised>;

export interface AuthoriseDeps {
  readonly keys: Pick<ApiKeyCache, 'verifyKnown' | 'verify'>;
  readonly limits: Pick<KeyLimits, 'take'>;
  readonly onLimited: (scope: ApiScope) => void;
}

const BEARER = 'Bearer ';

/** The API key of a request, against what the route asks for and how often it may. */
export function createAuthorise(deps: AuthoriseDeps): Authorise {
  const { keys } = deps;
  return (req, access) => {
    const key = apiKeyOf(req);
    if (key === null) return checkAccess(access, null);
    const known = keys.verifyKnown(key);
    if (known !== null) return admit(deps, access, known);
    return keys
      .verify(key)
      .then((found) => (found.ok ? admit(deps, access, found.value) : err(comeBack(found.error))));
  };
}

/** Access first: who may not ask is told so, however often. */
function admit({ limits, onLimited }: AuthoriseDeps, access: Access, actor: ApiKeyActor | null): Authorised {
  const allowed = checkAccess(access, actor);
  if (!allowed.ok || actor === null || !('scope' in access)) return allowed;
  const waitSeconds = limits.take(actor.keyId, access.scope);
  if (waitSeconds === 0) return ALLOWED;
  onLimited(access.scope);
  return err(tooMany(waitSeconds));
}

const ALLOWED: Authorised = ok(null);

/** The key may be good: a shop's queue must not take this for a refusal, and not come back at once. */
const comeBack = (failure: Failure): FieldFailure => ({ ...failure, retryAfterSeconds: 1 });

/** Nothing of a refused report is kept here: the shop's queue has it, and sends it again. */
const tooMany = (retryAfterSeconds: number): FieldFailure => ({
  code: 'too_many_requests',
  message: 'This API key asks more often than it may.',
  nextStep: `Send the same request again after ${retryAfterSeconds} s; a report that was refused is not recorded. Ask an operator for a higher limit if this is ordinary traffic.`,
  retryAfterSeconds,
});

function apiKeyOf(req: IncomingMessage): string | null {
  const { authorization } = req.headers;
  if (authorization !== undefined && isBearer(authorization)) {
    return authorization.slice(BEARER.length).trimStart();
  }
  const header = req.headers['x-api-key'];
  return typeof header === 'string' ? header : null;
}

/** In any case of letters, as HTTP has it (RFC 9110, 11.1); nearly always in the usual one. */
const isBearer = (authorization: string): boolean =>
  authorization.startsWith(BEARER) ||
  authorization.slice(0, BEARER.length).toLowerCase() === BEARER.toLowerCase();
