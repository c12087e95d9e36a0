import { randomUUID } from 'node:crypto';
import { type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Failure } from '../../domain/result.js';
import { withCorrelationId } from '../../infra/log.js';
import { PROBLEM_CONTENT_TYPE, toProblem } from './problem.js';

const TOO_LARGE: Failure = {
  code: 'headers_too_large',
  message: 'Address and headers of the request are longer than 16 kB.',
  nextStep: 'Send less in the address and in the headers.',
};
const TOO_SLOW: Failure = {
  code: 'request_timeout',
  message: 'The request did not arrive in time.',
  nextStep: 'Send it again, at once as a whole.',
};
const MALFORMED: Failure = {
  code: 'malformed_request',
  message: 'This is not a request of HTTP/1.1.',
  nextStep: 'Send it through an HTTP client, with a path as its address.',
};
const BY_CODE: ReadonlyMap<string | undefined, Failure> = new Map([
  ['HPE_HEADER_OVERFLOW', TOO_LARGE],
  ['ERR_HTTP_REQUEST_TIMEOUT', TOO_SLOW],
]);

/** What Node gives up before any handler sees it is told as a problem, too; the connection ends with it. */
export function answerUnreadable(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (socket.writable && error.code !== 'ECONNRESET' && !hasBegunToAnswer(socket)) {
      // Closed for both directions: a sender that stays is not waited for.
      socket.end(rawProblem(BY_CODE.get(error.code) ?? MALFORMED), () => socket.destroy());
    } else socket.destroy();
  });
}

/** Nothing may follow an answer that is already on its way. */
function hasBegunToAnswer(socket: Duplex): boolean {
  const answer: unknown = Reflect.get(socket, '_httpMessage');
  return answer instanceof ServerResponse && answer.headersSent;
}

/** A whole HTTP answer as text. */
function rawProblem(failure: Failure): string {
  const { problem, headers, body } = lastAnswer(failure);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${problem.status} ${problem.title}`, ...lines, '', body].join('\r\n');
}

/** The answer after which the connection ends. */
function lastAnswer(failure: Failure) {
  const id = randomUUID();
  const problem = withCorrelationId(id, () => toProblem(failure));
  const body = JSON.stringify(problem);
  const headers = {
    'content-type': PROBLEM_CONTENT_TYPE,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-correlation-id': id,
    connection: 'close',
  };
  return { problem, headers, body };
}

/** A request whose address names no path gets the same. */
export function refuseAddress(res: ServerResponse): void {
  const { problem, headers, body } = lastAnswer(MALFORMED);
  res.writeHead(problem.status, headers).end(body);
}

/** Path and query of an address as it came, also when it came with its host (RFC 9112, 3.2.2); null: it has none. */
export function pathOfAddress(url: string | undefined): string | null {
  if (url === undefined || url === '*' || url.startsWith('/')) return url ?? null;
  if (!URL.canParse(url)) return null;
  const { pathname, search } = new URL(url);
  return pathname.startsWith('/') ? pathname + search : null;
}
