import { meSchema, signedInSchema, signInRequestSchema } from '../../contracts/http/console-identity.js';
import { ROLES, type UserActor } from '../../domain/access.js';
import { createSignInLimiter } from '../../operations/limit-sign-ins.js';
import { rememberOwnDevice } from '../../operations/remember-own-device.js';
import { signIn, signOut } from '../../operations/sign-in.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { sessionDeps } from './authenticate.js';
import { credentialOf, sessionCookie } from './credentials.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['Sessions'];

export function sessionRoutes(deps: ConsoleDeps): RouteDefinition[] {
  const sessions = sessionDeps(deps);
  const signInDeps = { ...sessions, limiter: createSignInLimiter(deps.redis) };
  const secure = deps.config.ADS_ENV === 'production';
  const maxAgeSeconds = sessions.sessionMs / 1_000;
  return [
    defineRoute({
      method: 'post',
      path: '/v1/sessions',
      summary: 'Sign in.',
      description: 'A wrong password and an unknown address get the same answer. Five wrong tries: a pause.',
      tags,
      access: { public: true },
      body: signInRequestSchema,
      responses: { 201: { description: 'Signed in.', schema: signedInSchema } },
      handler: async ({ body, req }) => {
        const result = await signIn(signInDeps, { ...body, ip: req.ip ?? 'unknown' });
        if (!result.ok) return result;
        const { token, expiresAt, actor } = result.value;
        if (body.deviceId !== undefined && actor.advertiserId !== null) {
          await rememberOwnDevice(deps.prisma, {
            advertiserId: actor.advertiserId,
            deviceId: body.deviceId,
            hashKey: deps.config.HASH_KEY,
          });
        }
        const answer = { expiresAt: expiresAt.toISOString(), user: await readMe(deps, actor) };
        return body.delivery === 'cookie'
          ? {
              status: 201,
              body: answer,
              headers: { 'set-cookie': sessionCookie(token, maxAgeSeconds, secure) },
            }
          : { status: 201, body: { ...answer, token } };
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/v1/sessions/current',
      summary: 'Sign out: the session ends for ever.',
      tags,
      access: { roles: [...ROLES], applicants: true },
      responses: { 204: { description: 'Signed out.' } },
      handler: async ({ req }) => {
        const credential = credentialOf(req);
        if (credential !== null) await signOut(sessions, credential.value);
        return { status: 204, headers: { 'set-cookie': sessionCookie('', 0, secure) } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/me',
      summary: 'Who I am, and what I may see.',
      tags,
      access: { roles: [...ROLES], applicants: true },
      responses: { 200: { description: 'The signed-in person.', schema: meSchema } },
      handler: async ({ actor }) => ({ status: 200, body: await readMe(deps, actor) }),
    }),
  ];
}

async function readMe(deps: ConsoleDeps, actor: UserActor) {
  const { displayName } = await deps.prisma.userAccount.findUniqueOrThrow({ where: { id: actor.userId } });
  return { userId: actor.userId, displayName, role: actor.role, advertiserId: actor.advertiserId };
}
