import type { ErrorRequestHandler, Request, RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { z } from 'zod';

/** A provider's no: its status, its code, its sentence. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'Refusal';
  }
}

/** What was sent, or a refusal that names the first wrong field. */
export function read<T>(schema: z.ZodType<T>, value: unknown, code = 'INVALID_REQUEST'): T {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Refusal(400, code, `${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'invalid'}`);
}

export const answer =
  (handle: (req: Request) => unknown): RequestHandler =>
  (req, res) => {
    res.json(handle(req));
  };

export const notFound: RequestHandler = () => {
  throw new Refusal(404, 'NOT_FOUND', 'No such address.');
};

/** Last in a service's chain: refusals in the service's own form, everything else is a bug of the sandbox. */
export function refusals(log: Logger, bodyOf: (refusal: Refusal) => unknown): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    const refusal = refusalOf(error);
    if (refusal.status === 500) log.error({ err: error, path: req.path }, 'the sandbox failed');
    res.status(refusal.status).json(bodyOf(refusal));
  };
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof URIError) return new Refusal(400, 'INVALID_REQUEST', 'The address is not valid.');
  if (error instanceof Error && 'type' in error && typeof error.type === 'string')
    return error.type === 'entity.too.large'
      ? new Refusal(413, 'REQUEST_TOO_LARGE', 'The body is too large.')
      : new Refusal(400, 'INVALID_REQUEST', 'The body is not valid JSON in UTF-8.');
  return new Refusal(500, 'UNKNOWN_ERROR', 'The sandbox failed.');
}

/** The parameter of a path, which the router has matched. */
export function pathParameter(req: Request, name: string): string {
  const value = req.params[name];
  return typeof value === 'string' ? value : '';
}

/** An instant as Korean providers write it: seconds, +09:00. */
export function koreanInstant(epochMs: number): string {
  return `${new Date(epochMs + 9 * 3_600_000).toISOString().slice(0, 19)}+09:00`;
}
