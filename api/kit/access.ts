import type { Actor } from '../../domain/access.js';
import { assertNever, err, type Failure, ok, type Result } from '../../domain/result.js';
import type { Access } from './route.js';

const UNAUTHENTICATED: Failure = {
  code: 'unauthenticated',
  message: 'You are not signed in, or the key or session has ended.',
  nextStep: 'Sign in, or send a valid key as Authorization: Bearer.',
};

const FORBIDDEN: Failure = { code: 'forbidden', message: 'Your account or key may not do this.' };

const NOT_ACTIVE: Failure = {
  code: 'advertiser_not_active',
  message: 'Your company is not approved as an advertiser.',
  nextStep: 'See GET /v1/advertiser-applications/{id} for the state of your application.',
};

/** The one decision of who may call what. `actor` is null when nothing, or nothing valid, was presented. */
export function checkAccess(access: Access, actor: Actor | null): Result<Actor | null> {
  if ('public' in access) return ok(null);
  if (actor === null) return err(UNAUTHENTICATED);
  switch (actor.kind) {
    case 'user':
      if (!('roles' in access) || !access.roles.includes(actor.role)) return err(FORBIDDEN);
      return actor.applying === true && access.applicants !== true ? err(NOT_ACTIVE) : ok(actor);
    case 'api-key':
      return 'scope' in access && actor.scopes.includes(access.scope) ? ok(actor) : err(FORBIDDEN);
    default:
      return assertNever(actor, 'actor');
  }
}
