import type { Request, Response } from 'express';
import { z } from 'zod';
import { signInRequestSchema } from '../../contracts/http/console-identity.js';
import type { Actor } from '../../domain/access.js';
import type { Failure, Result } from '../../domain/result.js';
import { createSignInLimiter } from '../../operations/limit-sign-ins.js';
import { type PartReaders, readSystemStatus } from '../../operations/read-system-status.js';
import { signIn, type TooManySignIns } from '../../operations/sign-in.js';
import { statusOfFailure } from '../kit/failure-status.js';
import { ANSWERED, defineRoute, type RouteDefinition } from '../kit/route.js';
import { createConsoleAuthenticator, sessionDeps } from './authenticate.js';
import { passesCsrfCheck, sessionCookie } from './credentials.js';
import type { ConsoleDeps } from './deps.js';
import { adminsOnlyPage, type PageLanguage, signInPage, statusPage } from './status-page.js';

const tags = ['Operations'];
const html = { description: 'A page.', contentType: 'text/html' };
const redirect = { description: 'Go there.' };
const MAX_FORM_BYTES = 4_096;

/**
 * Pages for a browser without scripts. They are public routes to the kit, because a person who is not signed in is
 * led to the form instead of being told a problem; who may see what is decided here.
 */
export function statusPageRoutes(deps: ConsoleDeps, readers: PartReaders): RouteDefinition[] {
  return [statusRoute(deps, readers), signInFormRoute(), signInRoute(deps)];
}

function statusRoute(deps: ConsoleDeps, readers: PartReaders): RouteDefinition {
  const authenticate = createConsoleAuthenticator(deps);
  return defineRoute({
    method: 'get',
    path: '/status',
    summary: 'The system’s status as a page that renews itself, for operators.',
    tags,
    access: { public: true },
    responses: { 200: html, 303: redirect, 403: html },
    handler: async ({ req, res }): Promise<typeof ANSWERED> => {
      const actor = personOf(await authenticate(req));
      if (actor === null) return sendRedirect(res, '/sign-in');
      const language = languageOf(req);
      if (actor.role !== 'admin') return sendPage(res, 403, adminsOnlyPage(language));
      return sendPage(res, 200, statusPage(await readSystemStatus(readers), language));
    },
  });
}

function signInFormRoute(): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/sign-in',
    summary: 'A plain form to sign in with.',
    tags,
    access: { public: true },
    responses: { 200: html },
    handler: async ({ req, res }) => sendPage(res, 200, signInPage(languageOf(req), null)),
  });
}

function signInRoute(deps: ConsoleDeps): RouteDefinition {
  const sessions = sessionDeps(deps);
  const signInDeps = { ...sessions, limiter: createSignInLimiter(deps.redis) };
  const form = signInRequestSchema.pick({ email: true, password: true }).strict();
  return defineRoute({
    method: 'post',
    path: '/sign-in',
    summary: 'Signs in from the form, and leads to the status page.',
    tags,
    access: { public: true },
    responses: { 303: redirect, 400: html, 401: html, 403: html, 429: html },
    handler: async ({ req, res }): Promise<typeof ANSWERED> => {
      const language = languageOf(req);
      // Nobody else's page may sign a browser in: the browser says where the form was.
      if (!passesCsrfCheck(req)) return sendPage(res, 403, signInPage(language, 'foreign_form'));
      const parsed = form.safeParse(await readForm(req));
      if (!parsed.success) return sendPage(res, 400, signInPage(language, 'incomplete'));
      const result = await signIn(signInDeps, { ...parsed.data, ip: req.ip ?? 'unknown' });
      if (!result.ok) return sendRefusal(res, language, result.error);
      const secure = deps.config.ADS_ENV === 'production';
      const cookie = sessionCookie(result.value.token, sessions.sessionMs / 1_000, secure);
      return sendRedirect(res, '/status', cookie);
    },
  });
}

const personOf = (known: Result<Actor | null>) =>
  known.ok && known.value?.kind === 'user' ? known.value : null;

/** Korean unless the browser prefers English. */
function languageOf(req: Pick<Request, 'acceptsLanguages'>): PageLanguage {
  return req.acceptsLanguages('ko', 'en') === 'en' ? 'en' : 'ko';
}

function sendRefusal(
  res: Response,
  language: PageLanguage,
  failure: Failure | TooManySignIns,
): typeof ANSWERED {
  const tooMany = 'retryAfterSeconds' in failure;
  if (tooMany) res.setHeader('retry-after', failure.retryAfterSeconds);
  const problem = tooMany ? 'too_many_sign_ins' : 'wrong_credentials';
  return sendPage(res, statusOfFailure(failure.code), signInPage(language, problem));
}

function sendPage(res: Response, status: number, text: string): typeof ANSWERED {
  res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  res.end(text);
  return ANSWERED;
}

function sendRedirect(res: Response, location: string, cookie?: string): typeof ANSWERED {
  const headers = cookie === undefined ? {} : { 'set-cookie': cookie };
  res.writeHead(303, { location, 'cache-control': 'no-store', ...headers });
  res.end();
  return ANSWERED;
}

/** The fields of a small form; null when it is another kind of body, or too large, or names a field twice. */
async function readForm(req: Request): Promise<Record<string, string> | null> {
  if (req.is('application/x-www-form-urlencoded') === false) return null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req) {
    const part = z.instanceof(Buffer).parse(chunk);
    bytes += part.length;
    if (bytes > MAX_FORM_BYTES) return null;
    chunks.push(part);
  }
  const fields = [...new URLSearchParams(Buffer.concat(chunks).toString('utf8'))];
  const names = new Set(fields.map(([name]) => name));
  return names.size === fields.length ? Object.fromEntries(fields) : null;
}
