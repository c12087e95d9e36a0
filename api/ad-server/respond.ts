import type { Response } from 'express';

const JSON_HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const;

/** Written as one buffer with its length: no etag, no re-encoding, no chunks. */
export function respond(
  res: Response,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body));
  res.writeHead(status, { ...JSON_HEADERS, ...headers, 'content-length': bytes.length });
  res.end(bytes);
}
