import type { Request } from 'express';
import type { Actor } from '../../domain/access.js';
import { err, ok, type Result } from '../../domain/result.js';
import { type SessionDeps, verifySession } from '../../operations/sign-in.js';
import { verifyApiKey } from '../../operations/verify-api-key.js';
import { credentialOf, passesCsrfCheck } from './credentials.js';
import type { ConsoleDeps } from './deps.js';

const HOUR_MS = 3_600_000;

export function sessionDeps({ prisma, config, now }: ConsoleDeps): SessionDeps {
  return { prisma, hashKey: config.HASH_KEY, sessionMs: config.SESSION_HOURS * HOUR_MS, now };
}

/** Who asks the console: read from the session or the key in our database at every request, so that its end is felt. */
export function createConsoleAuthenticator(deps: ConsoleDeps) {
  const sessions = sessionDeps(deps);
  return async (req: Request): Promise<Result<Actor | null>> => {
    const credential = credentialOf(req);
    if (credential === null) return ok(null);
    if (credential.kind === 'api-key') {
      return ok(await verifyApiKey(deps.pool, deps.config.HASH_KEY, credential.value));
    }
    if (credential.kind === 'cookie' && !passesCsrfCheck(req)) {
      return err({
        code: 'csrf_check_failed',
        message: 'This request does not come from our own page.',
        nextStep: 'Send the header x-csrf: 1.',
      });
    }
    return ok(await verifySession(sessions, credential.value));
  };
}
