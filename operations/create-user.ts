import type { Role } from '../domain/access.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { newId } from '../infra/ids.js';
import type { PrismaClient } from '../infra/prisma.js';
import { hashPassword, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './passwords.js';

export interface NewUser {
  /** Business-given id (seeds); a random one otherwise. */
  readonly userId?: string;
  readonly email: string;
  readonly password: string;
  readonly displayName: string;
  readonly role: Role;
  /** Required for role advertiser, forbidden for the others. */
  readonly advertiserId: string | null;
}

/** One spelling of an address: what a person types in capitals is the same account. */
export function normaliseEmail(email: string): string {
  return email.normalize('NFKC').trim().toLowerCase();
}

/** Errors: `weak_password`, `wrong_role_binding`, `already_exists`. */
export async function createUser(
  prisma: Pick<PrismaClient, 'userAccount'>,
  user: NewUser,
): Promise<Result<{ userId: string }>> {
  const problem = userProblem(user);
  if (problem !== null) return err(problem);
  const id = user.userId ?? newId('usr');
  const passwordHash = await hashPassword(user.password);
  const { count } = await prisma.userAccount.createMany({
    data: {
      id,
      email: normaliseEmail(user.email),
      passwordHash,
      displayName: user.displayName,
      role: user.role,
      advertiserId: user.advertiserId,
    },
    skipDuplicates: true,
  });
  return count === 1
    ? ok({ userId: id })
    : err({
        code: 'already_exists',
        message: 'There is an account with this address already.',
        field: 'email',
      });
}

function userProblem(user: NewUser): Failure | null {
  if (user.password.length < MIN_PASSWORD_LENGTH || user.password.length > MAX_PASSWORD_LENGTH) {
    return {
      code: 'weak_password',
      message: `A password has ${MIN_PASSWORD_LENGTH} to ${MAX_PASSWORD_LENGTH} characters.`,
      field: 'password',
    };
  }
  if ((user.role === 'advertiser') !== (user.advertiserId !== null)) {
    return {
      code: 'wrong_role_binding',
      message: 'An advertiser account belongs to exactly one advertiser, other accounts to none.',
      field: 'advertiserId',
    };
  }
  return null;
}
