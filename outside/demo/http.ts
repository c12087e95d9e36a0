import { randomUUID } from 'node:crypto';

/** Answers of any shape: the story reads the few fields that it needs. */
// biome-ignore lint/suspicious/noExplicitAny: a client like curl, without a schema of its own
export type Json = any;

export interface Answer {
  readonly status: number;
  readonly body: Json;
}

export interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as they are, with this content type. */
  readonly bytes?: { readonly content: Uint8Array<ArrayBuffer>; readonly type: string };
  /** Only this status is good; otherwise any of 200 to 299. */
  readonly expect?: number;
}

/** Somebody (or some machine) who sends requests under one identity. */
export interface Caller {
  get(path: string, sent?: Sent): Promise<Json>;
  text(path: string): Promise<string>;
  post(path: string, body?: unknown, sent?: Sent): Promise<Json>;
  put(path: string, body?: unknown, sent?: Sent): Promise<Json>;
  patch(path: string, body: unknown, sent?: Sent): Promise<Json>;
  /** Any status is an answer. */
  ask(method: string, path: string, sent?: Sent): Promise<Answer>;
}

const WITHIN_MS = 30_000;

/** Every act carries a key of its own, so that a repetition by the network is no second act. */
export function createCaller(baseUrl: string, token: string | null): Caller {
  const ask = async (method: string, path: string, sent: Sent = {}): Promise<Answer> => {
    const response = await request(baseUrl, token, method, path, sent);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text };
  };
  const good = async (method: string, path: string, sent: Sent = {}): Promise<Json> => {
    const { status, body } = await ask(method, path, sent);
    const ok = sent.expect === undefined ? status >= 200 && status < 300 : status === sent.expect;
    if (!ok) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(body)}`);
    return body;
  };
  return {
    ask,
    get: (path, sent) => good('GET', path, sent),
    text: (path) => good('GET', path),
    post: (path, body, sent) => good('POST', path, { body: body ?? {}, ...sent }),
    put: (path, body, sent) => good('PUT', path, body === undefined ? sent : { body, ...sent }),
    patch: (path, body, sent) => good('PATCH', path, { body, ...sent }),
  };
}

function request(
  baseUrl: string,
  token: string | null,
  method: string,
  path: string,
  { body, bytes, headers }: Sent,
): Promise<Response> {
  const content =
    bytes !== undefined
      ? { body: bytes.content, type: bytes.type }
      : body !== undefined && method !== 'GET'
        ? { body: JSON.stringify(body), type: 'application/json' }
        : null;
  return fetch(new URL(path, baseUrl), {
    method,
    signal: AbortSignal.timeout(WITHIN_MS),
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(content === null ? {} : { 'content-type': content.type }),
      ...(method === 'GET' ? {} : { 'idempotency-key': randomUUID() }),
      ...headers,
    },
    ...(content === null ? {} : { body: content.body }),
  });
}

/** Signs in at the console as a person does. */
export async function signIn(consoleUrl: string, email: string, password: string): Promise<Caller> {
  const { token } = await createCaller(consoleUrl, null).post('/v1/sessions', { email, password });
  return createCaller(consoleUrl, String(token));
}
