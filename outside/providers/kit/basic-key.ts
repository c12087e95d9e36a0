import { timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { Refusal } from './answer.js';

/** Basic authentication with the key as user and no password. */
export function requireBasicKey(key: string): RequestHandler {
  const wanted = Buffer.from(`Basic ${Buffer.from(`${key}:`).toString('base64')}`);
  return (req, _res, next) => {
    const given = Buffer.from(req.headers.authorization ?? '');
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
      throw new Refusal(401, 'UNAUTHORIZED_KEY', '인증되지 않은 시크릿 키 혹은 클라이언트 키 입니다.');
    next();
  };
}
