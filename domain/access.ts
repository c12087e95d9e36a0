import { err, type Failure, ok, type Result } from './result.js';

/** What a person may be. `advertiser` is bound to one company; `admin` and `finance` act for the platform. */
export const ROLES = ['advertiser', 'admin', 'finance'] as const;
export type Role = (typeof ROLES)[number];

/** What a machine may do with its key. */
export const API_SCOPES = [
  'ads:read',
  'clicks:write',
  'events:write',
  'orders:write',
  'products:write',
] as const;
export type ApiScope = (typeof API_SCOPES)[number];

/** A signed-in person. `advertiserId` is set exactly when the role is `advertiser`. */
export interface UserActor {
  readonly kind: 'user';
  readonly userId: string;
  readonly role: Role;
  readonly advertiserId: string | null;
  /** True while the company has only applied, also after its application was closed: its people reach only routes that say so. */
  readonly applying?: boolean;
}

/** A machine with an API key (the commerce site). */
export interface ApiKeyActor {
  readonly kind: 'api-key';
  readonly keyId: string;
  readonly scopes: readonly ApiScope[];
}

/** Who asks: taken from a session or a key that we verified, never from a body or a header of the caller's. */
export type Actor = UserActor | ApiKeyActor;

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

export function isApiScope(text: string): text is ApiScope {
  return (API_SCOPES as readonly string[]).includes(text);
}

/**
 * An advertiser may touch only its own objects; admin and finance act for everybody.
 * A stranger's object answers exactly like one that does not exist, so that ids cannot be probed.
 */
export function requireOwnership<T>(
  actor: UserActor,
  object: T | null | undefined,
  ownerOf: (object: T) => string,
  what: string,
): Result<T> {
  if (object === null || object === undefined) return err(notFound(what));
  if (actor.role === 'advertiser' && ownerOf(object) !== actor.advertiserId) return err(notFound(what));
  return ok(object);
}

export function notFound(what: string): Failure {
  return { code: 'not_found', message: `There is no such ${what}, or it is not yours.` };
}
