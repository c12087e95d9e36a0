import { randomUUID } from 'node:crypto';
import type { CookieOptions, Request, RequestHandler, Response } from 'express';
import type { ShopperHeaders } from '../shop-client/types.js';
import { LANGUAGES, type Language } from './texts.js';

/** Whose browser asks, and how it wants to be spoken to. */
export interface Visit {
  readonly deviceId: string;
  readonly language: Language;
  /** What the ad system is told about the shopper; it stores hashes only. */
  readonly shopper: ShopperHeaders;
}

const DEVICE_COOKIE = 'shop_device';
const LANGUAGE_COOKIE = 'shop_language';
const DEVICE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const YEAR_MS = 365 * 86_400_000;

const COOKIE: CookieOptions = { httpOnly: true, sameSite: 'lax', path: '/', maxAge: YEAR_MS };

/** Reads the visit; a browser without a (well-formed) device id is given a random one. */
export function visitOf(req: Request, res: Response): Visit {
  const cookies = readCookies(req.get('cookie') ?? '');
  const known = cookies.get(DEVICE_COOKIE) ?? '';
  const deviceId = DEVICE_ID.test(known) ? known : randomUUID();
  if (deviceId !== known) res.cookie(DEVICE_COOKIE, deviceId, { ...COOKIE, secure: req.secure });
  const userAgent = req.get('user-agent');
  return {
    deviceId,
    language: LANGUAGES.find((language) => language === cookies.get(LANGUAGE_COOKIE)) ?? 'ko',
    shopper: {
      ...(req.ip === undefined ? {} : { ip: req.ip }),
      ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, 512) }),
    },
  };
}

export function rememberLanguage(req: Request, res: Response, language: Language): void {
  res.cookie(LANGUAGE_COOKIE, language, { ...COOKIE, secure: req.secure });
}

function readCookies(header: string): ReadonlyMap<string, string> {
  return new Map(
    header.split(';').map((part) => {
      const [name = '', value = ''] = part.split('=', 2);
      return [name.trim(), value.trim()] as const;
    }),
  );
}

/**
 * Forms of other sites change nothing here. `SameSite=Lax` keeps our cookie out of them; browsers also say where
 * a form comes from. A program that says neither has no cookie of a person to misuse.
 */
export const isForeignForm = (req: Request): boolean => {
  if (req.method === 'GET' || req.method === 'HEAD') return false;
  const site = req.get('sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const origin = req.get('origin');
  return origin !== undefined && !isOrigin(origin, req.get('host') ?? '');
};

function isOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

const CSP = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** No script runs on any page; nothing of it is framed, guessed at or told to other sites. */
export const securityHeaders: RequestHandler = (_req, res, next) => {
  res.set({
    'content-security-policy': CSP,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  next();
};
