import { connect, type Socket } from 'node:net';

/** What a request came back with. */
export interface RawAnswer {
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: (\d+)/i;

/**
 * One connection that sends a request as it stands and waits for its answer. No HTTP client: under load it would take
 * as much of the processor as the server that is measured. Answers carry their length, as both sides' do.
 */
export class RawLane {
  readonly #socket: Socket;
  #heard = '';
  #settle: { resolve(answer: RawAnswer): void; reject(error: Error): void } | null = null;
  #startedAt = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#hear(text));
    socket.on('error', (error) => this.#settle?.reject(error));
    socket.on('close', () => this.#settle?.reject(new Error('the server hung up')));
  }

  static open(url: URL): Promise<RawLane> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname, () => resolve(new RawLane(socket)));
      socket.once('error', reject);
    });
  }

  send(request: string): Promise<RawAnswer> {
    this.#startedAt = performance.now();
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.#settle = null;
    this.#socket.destroy();
  }

  #hear(text: string): void {
    this.#heard += text;
    const headEnd = this.#heard.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.#heard.slice(0, headEnd);
    const length = Number(LENGTH.exec(head)?.[1] ?? 0);
    const end = headEnd + HEAD_END.length + length;
    if (this.#heard.length < end) return;
    const body = this.#heard.slice(headEnd + HEAD_END.length, end);
    this.#heard = '';
    this.#settle?.resolve({
      status: Number(head.slice(9, 12)),
      body,
      ms: performance.now() - this.#startedAt,
    });
  }
}

/** `POST` with a JSON body in ASCII, as a shop's client writes it. */
export function postRequest(url: URL, headers: Readonly<Record<string, string>>, body: string): string {
  const lines = Object.entries({
    host: url.host,
    connection: 'keep-alive',
    'content-type': 'application/json',
    'content-length': String(body.length),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${url.pathname} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}
