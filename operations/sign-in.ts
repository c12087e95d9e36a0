import { randomBytes } from 'node:crypto';
import { isRole, type UserActor } from '../domain/access.js';
import { err, type Failure, invariant, ok, type Result } from '../domain/result.js';
import { keyedHash } from '../infra/ids.js';
import type { PrismaClient } from '../infra/prisma.js';
import { normaliseEmail } from './create-user.js';
import type { SignInLimiter } from './limit-sign-ins.js';
import { verifyAgainstNobody, verifyPassword } from './passwords.js';

export interface SessionDeps {
  readonly prisma: PrismaClient;
  /** Key of the one-way hash of session secrets. */
  readonly hashKey: string;
  readonly sessionMs: number;
  /** Real time, epoch ms: sessions do not follow the business clock. */
  readonly now: () => number;
}

export interface SignInDeps extends SessionDeps {
  readonly limiter: SignInLimiter;
}

export interface SignInCommand {
  readonly email: string;
  readonly password: string;
  readonly ip: string;
}

export interface SignedIn {
  /** The only time that this secret exists in clear outside the caller. */
  readonly token: string;
  readonly expiresAt: Date;
  readonly actor: UserActor;
}

const SESSION_TOKEN = /^st_[A-Za-z0-9_-]{43}$/;

const WRONG_CREDENTIALS: Failure = {
  code: 'wrong_credentials',
  message: 'The address or the password is wrong.',
  nextStep: 'Check both; after five wrong tries there is a pause of 15 minutes.',
};

export interface TooManySignIns extends Failure {
  readonly retryAfterSeconds: number;
}

/**
 * Opens a session. Unknown address, wrong password and disabled account give the same answer after similar work.
 * Errors: `wrong_credentials`, `too_many_sign_ins`.
 */
export async function signIn(
  deps: SignInDeps,
  command: SignInCommand,
): Promise<Result<SignedIn, Failure | TooManySignIns>> {
  const email = normaliseEmail(command.email);
  const account = keyedHash(deps.hashKey, 'session', `account:${email}`);
  const ip = keyedHash(deps.hashKey, 'ip', command.ip);
  const wait = await deps.limiter.countTry(account, ip);
  if (wait !== null) return err(tooManySignIns(wait.retryAfterSeconds));
  const user = await deps.prisma.userAccount.findUnique({ where: { email }, include: WITH_COMPANY });
  const right =
    user === null
      ? await verifyAgainstNobody(command.password)
      : await verifyPassword(user.passwordHash, command.password);
  if (!right || user === null || user.status !== 'active') return err(WRONG_CREDENTIALS);
  await deps.limiter.forgive(account, ip);
  return ok(await openSession(deps, toActor(user)));
}

function tooManySignIns(retryAfterSeconds: number): TooManySignIns {
  return {
    code: 'too_many_sign_ins',
    message: 'Too many tries to sign in.',
    nextStep: `Wait ${Math.ceil(retryAfterSeconds / 60)} minutes.`,
    retryAfterSeconds,
  };
}

async function openSession(deps: SessionDeps, actor: UserActor): Promise<SignedIn> {
  const token = `st_${randomBytes(32).toString('base64url')}`;
  const expiresAt = new Date(deps.now() + deps.sessionMs);
  await deps.prisma.session.create({
    data: { tokenHash: keyedHash(deps.hashKey, 'session', token), userId: actor.userId, expiresAt },
  });
  return { token, expiresAt, actor };
}

/** Who owns this session; null when it is unknown, expired, revoked or its account is disabled. */
export async function verifySession(deps: SessionDeps, token: string): Promise<UserActor | null> {
  if (!SESSION_TOKEN.test(token)) return null;
  const session = await deps.prisma.session.findUnique({
    where: { tokenHash: keyedHash(deps.hashKey, 'session', token) },
    include: { user: { include: WITH_COMPANY } },
  });
  if (session === null || session.revokedAt !== null) return null;
  if (session.expiresAt.getTime() <= deps.now() || session.user.status !== 'active') return null;
  return toActor(session.user);
}

/** Ends a session for ever. Ending it twice is fine. */
export async function signOut(deps: SessionDeps, token: string): Promise<void> {
  await deps.prisma.session.updateMany({
    where: { tokenHash: keyedHash(deps.hashKey, 'session', token), revokedAt: null },
    data: { revokedAt: new Date(deps.now()) },
  });
}

const WITH_COMPANY = { advertiser: { select: { status: true } } } as const;

interface Account {
  readonly id: string;
  readonly role: string;
  readonly advertiserId: string | null;
  readonly advertiser: { readonly status: string } | null;
}

/** A company is closed when nobody went on with its application: the end of an application gives no rights. */
const NEVER_APPROVED: ReadonlySet<string> = new Set(['applied', 'closed']);

/** Read at every request, so that the approval of a company is felt by the sessions that are open. */
function toActor(user: Account): UserActor {
  invariant(isRole(user.role), `account ${user.id} has an unknown role`);
  invariant(
    (user.role === 'advertiser') === (user.advertiserId !== null),
    `account ${user.id} is bound wrongly`,
  );
  const applying = NEVER_APPROVED.has(user.advertiser?.status ?? '');
  return { kind: 'user', userId: user.id, role: user.role, advertiserId: user.advertiserId, applying };
}
