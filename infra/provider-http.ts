import type { z } from 'zod';
import { providerErrorSchema } from '../contracts/providers/error.js';
import { err, ok, type Result } from '../domain/result.js';

/** No provider may hold a caller for longer; what it did meanwhile is found out by a repeat with the same key. */
export const PROVIDER_TIMEOUT_MS = 5_000;

/** `credentials` and `unreadable` need a person, and a repeat after the repair succeeds: they are outages too. */
export type UnavailableReason = 'network' | 'timeout' | 'status' | 'busy' | 'credentials' | 'unreadable';

/** The provider gave no usable answer: nobody knows whether it acted. Repeat with the same idempotency key. */
export class ProviderUnavailable extends Error {
  constructor(
    readonly provider: string,
    readonly reason: UnavailableReason,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${provider}: ${detail}`, options);
    this.name = 'ProviderUnavailable';
  }
}

export interface ProviderCall<T> {
  readonly provider: string;
  readonly method: 'GET' | 'POST';
  /** With the base path of the provider; the query may hold a key, so it is never logged. */
  readonly url: string;
  /** For messages, in place of the path of `url`, when that holds a secret: messages end up in logs and histories. */
  readonly shownPath?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly answer: z.ZodType<T>;
}

/**
 * One exchange. A refusal of the provider is a Result whose code is the provider's own in lower case
 * (`REJECT_CARD_PAYMENT` is `reject_card_payment`); everything that leaves the outcome open throws.
 */
export async function callProvider<T>(call: ProviderCall<T>): Promise<Result<T>> {
  const { status, text } = await exchange(call);
  const body = parseJson(text);
  if (status >= 200 && status < 300) return ok(readAnswer(call, body));
  const said = providerErrorSchema.safeParse(body);
  const code = said.success ? said.data.code : `HTTP_${status}`;
  const request = `${nameOf(call)} answered ${status} ${code}`;
  if (status === 401) throw new ProviderUnavailable(call.provider, 'credentials', request);
  if (status === 429 || code === 'IDEMPOTENT_REQUEST_PROCESSING')
    throw new ProviderUnavailable(call.provider, 'busy', request);
  if (status >= 500 || status === 408 || status < 400)
    throw new ProviderUnavailable(call.provider, 'status', request);
  if (!said.success) throw new ProviderUnavailable(call.provider, 'unreadable', request);
  return err({ code: ownCode(code), message: said.data.message });
}

async function exchange(call: ProviderCall<unknown>): Promise<{ status: number; text: string }> {
  // Outside of the try: a header that cannot be sent is a bug of ours, and no repeat would mend it.
  const headers = new Headers({
    accept: 'application/json',
    'content-type': 'application/json',
    ...call.headers,
  });
  const request = nameOf(call);
  try {
    const response = await fetch(call.url, {
      method: call.method,
      headers,
      // A redirect would carry the key to another host.
      redirect: 'manual',
      signal: AbortSignal.timeout(PROVIDER_TIMEOUT_MS),
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    const detail = timedOut ? `no answer within ${PROVIDER_TIMEOUT_MS} ms` : 'cannot be reached';
    throw new ProviderUnavailable(call.provider, timedOut ? 'timeout' : 'network', `${request}: ${detail}`, {
      cause: error,
    });
  }
}

const nameOf = ({ method, url, shownPath }: ProviderCall<unknown>) =>
  `${method} ${shownPath ?? new URL(url).pathname}`;

function readAnswer<T>(call: ProviderCall<T>, body: unknown): T {
  const parsed = call.answer.safeParse(body);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
  const detail = `${nameOf(call)}: unexpected answer at ${fields || 'its root'}`;
  throw new ProviderUnavailable(call.provider, 'unreadable', detail);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `REJECT_CARD_PAYMENT` and `ValidationError` in the form of our own codes. */
export const ownCode = (code: string) => code.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();

/** The form that both payment and tax invoice providers want: the key as user, no password. */
export const basicAuthorization = (key: string) => `Basic ${Buffer.from(`${key}:`).toString('base64')}`;
