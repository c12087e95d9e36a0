import { randomUUID } from 'node:crypto';

export interface ConsoleAnswer<T> {
  readonly status: number;
  readonly body: T;
}

/** A signed-in person at the console API. */
export interface ConsoleClient {
  get<T>(path: string): Promise<ConsoleAnswer<T>>;
  /** Another act each time, unless `key` repeats one. */
  post<T>(path: string, body?: unknown, key?: string): Promise<ConsoleAnswer<T>>;
  put<T>(path: string, body: unknown): Promise<ConsoleAnswer<T>>;
  patch<T>(path: string, body: unknown): Promise<ConsoleAnswer<T>>;
}

/** Signs in over HTTP and keeps the bearer token. Throws when refused. */
export async function signIn(baseUrl: string, email: string, password: string): Promise<ConsoleClient> {
  const answer = await send<{ token: string }>(baseUrl, 'POST', '/v1/sessions', {}, { email, password });
  if (answer.status !== 201)
    throw new Error(`sign-in of ${email}: ${answer.status} ${JSON.stringify(answer.body)}`);
  const headers = { authorization: `Bearer ${answer.body.token}` };
  const act = { ...headers, 'idempotency-key': '' };
  return {
    get: (path) => send(baseUrl, 'GET', path, headers),
    post: (path, body = {}, key = randomUUID()) =>
      send(baseUrl, 'POST', path, { ...act, 'idempotency-key': key }, body),
    put: (path, body) => send(baseUrl, 'PUT', path, { ...act, 'idempotency-key': randomUUID() }, body),
    patch: (path, body) => send(baseUrl, 'PATCH', path, headers, body),
  };
}

async function send<T>(
  baseUrl: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<ConsoleAnswer<T>> {
  const response = await fetch(new URL(path, baseUrl), {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    signal: AbortSignal.timeout(30_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T };
}
