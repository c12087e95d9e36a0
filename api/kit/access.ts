import type { Actor } from '../../domain/access.js';
import { assertNever, err, type Failure, ok, type Result } from '../../domain/result.js';
import type { Access } from './route.js';

const UNAUTHENTICATED: Failure = {
  code: 'unauthenticated',
  message: 'You are not signed in, or the key or session has ended.',
  nextStep: 'Sign in, or send a valid key as Authorization: Bearer.',
};

const FORBIDDEN: Failure = { code: 'forbidden', message: 'Your account or key may not do this.' };

/** The one decision of who may call what. `actor` is null when nothing, or nothing valid, was presented. */
export function checkAccess(access: Access, actor: Actor | null): Result<Actor | null> {
  if ('public' in access) return ok(null);
  if (actor === null) return err(UNAUTHENTICATED);
  switch (actor.kind) {
    case 'user':
      return 'roles' in access && access.roles.includes(actor.role) ? ok(actor) : err(FORBIDDEN);
    case 'api-key':
      return 'scope' in access && actor.scopes.includes(access.scope) ? ok(actor) : err(FORBIDDEN);
    default:
      return assertNever(actor, 'actor');
  }
}
