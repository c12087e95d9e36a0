import type { Request } from 'express';

export const SESSION_COOKIE = 'ads_session';

export type Credential =
  | { readonly kind: 'bearer'; readonly value: string }
  | { readonly kind: 'api-key'; readonly value: string }
  | { readonly kind: 'cookie'; readonly value: string };

/** What the caller presents, by strength of intent: a header is meant, a cookie is sent by the browser itself. */
export function credentialOf(req: Pick<Request, 'get'>): Credential | null {
  const bearer = /^Bearer +(\S+)$/i.exec(req.get('authorization') ?? '')?.[1];
  if (bearer !== undefined) return { kind: bearer.startsWith('ak_') ? 'api-key' : 'bearer', value: bearer };
  const apiKey = req.get('x-api-key');
  if (apiKey !== undefined && apiKey !== '') return { kind: 'api-key', value: apiKey };
  const cookie = readCookie(req.get('cookie') ?? '', SESSION_COOKIE);
  return cookie === null ? null : { kind: 'cookie', value: cookie };
}

export function readCookie(header: string, name: string): string | null {
  for (const part of header.split(';')) {
    const [key, ...value] = part.trim().split('=');
    if (key === name && value.length > 0) return value.join('=');
  }
  return null;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A state-changing request that rides on a cookie must prove that it comes from our own page: by a header that no
 * other site can send without our consent, or by the browser's own word about where it comes from.
 */
export function passesCsrfCheck(req: Pick<Request, 'get' | 'method'>): boolean {
  if (SAFE_METHODS.has(req.method)) return true;
  if (req.get('x-csrf') === '1') return true;
  // A form of a page that sends no referrer has the origin `null`, its own page too: this header still says it.
  const site = req.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = req.get('origin');
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === req.get('host');
}

/** `Set-Cookie` of a session; Secure in production, where everything is HTTPS. */
export function sessionCookie(token: string, maxAgeSeconds: number, secure: boolean): string {
  const parts = [
    `${SESSION_COOKIE}=${token}`,
    'Path=/',
    'HttpOnly',
    'SameSite=Lax',
    `Max-Age=${maxAgeSeconds}`,
    ...(secure ? ['Secure'] : []),
  ];
  return parts.join('; ');
}
