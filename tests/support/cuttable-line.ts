import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface CutLine {
  readonly port: number;
  connectTo(target: Target): void;
  /** Breaks every connection and refuses new ones. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** Connections stay and new ones are taken, but no byte passes any more: a store that hangs. */
  hang(): void;
  /** What was held back passes now. */
  flow(): void;
  /**
   * The connections of now stay open and carry nothing ever again, new ones work: a store that moved to another
   * machine and whose old one vanished without a word.
   */
  abandon(): void;
  /** Connections taken so far. */
  connections(): number;
}

interface Between {
  /** What goes to the store passes through it; its error ends the connection. */
  questions?(): Transform;
  /** Changes what comes back from the store, for a store that tells addresses. */
  answers?(): Transform;
}

/** A TCP line to a store that can be cut: the store is lost to one process and stays for everybody else. */
export async function cuttableLine(between: Between = {}): Promise<CutLine> {
  let target: Target = { host: '127.0.0.1', port: 0 };
  const sockets = new Set<Socket>();
  const pairs = new Set<Pair>();
  let isHanging = false;
  let taken = 0;
  const server = createServer((client) => {
    taken += 1;
    const upstream = connect(target.port, target.host);
    const [questions, answers] = [between.questions?.() ?? null, between.answers?.() ?? null];
    const pair: Pair = { client, upstream, questions, answers };
    questions?.on('error', () => client.destroy()).pipe(upstream);
    answers?.pipe(client);
    pairs.add(pair);
    client.on('close', () => pairs.delete(pair));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    if (!isHanging) join(pair);
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listen(0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  return {
    port,
    connectTo: (next) => {
      target = next;
    },
    mend: () => listen(port),
    hang: () => {
      isHanging = true;
      for (const pair of pairs) part(pair);
    },
    flow: () => {
      isHanging = false;
      for (const pair of pairs) join(pair);
    },
    abandon: () => {
      for (const pair of pairs) part(pair);
      pairs.clear();
    },
    connections: () => taken,
    cut: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly questions: Transform | null;
  readonly answers: Transform | null;
}

function join({ client, upstream, questions, answers }: Pair): void {
  client.pipe(questions ?? upstream);
  upstream.pipe(answers ?? client);
}

function part({ client, upstream }: Pair): void {
  client.unpipe().pause();
  upstream.unpipe().pause();
}

/** The same address, by way of a line. */
export function through(line: Pick<CutLine, 'port' | 'connectTo'>, address: string): string {
  const url = new URL(address);
  line.connectTo({ host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${line.port}`;
  return url.toString();
}

/**
 * A line to the one broker of a test stack. Kafka's answers name the broker, and a client would go there past the
 * line: the broker's port in them is replaced by the line's.
 */
export async function kafkaLine(broker: string): Promise<KafkaLine> {
  const [host = '', portText = ''] = broker.split(':');
  let own = 0;
  let refused: number | null = null;
  const line = await cuttableLine({
    questions: () => refusing(() => refused),
    answers: () => readdressed(host, Number(portText), () => own),
  });
  own = line.port;
  line.connectTo({ host, port: Number(portText) });
  return {
    ...line,
    refuse: (apiKey) => {
      refused = apiKey;
    },
  };
}

export interface KafkaLine extends CutLine {
  /** Requests of this kind end their connection (`apiKey` of Kafka's protocol), until null. */
  refuse(apiKey: number | null): void;
}

/** Kafka's `apiKey` of the question who looks after a group. */
export const FIND_COORDINATOR = 10;

const LENGTH_BYTES = 4;
const API_KEY_BYTES = 2;

/** Kafka's requests and answers, each whole: it begins with its length in four bytes. What `change` throws ends it. */
function perMessage(change: (message: Buffer) => Buffer): Transform {
  let held = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      held = Buffer.concat([held, chunk]);
      try {
        while (held.length >= LENGTH_BYTES && held.length >= LENGTH_BYTES + held.readInt32BE(0)) {
          const end = LENGTH_BYTES + held.readInt32BE(0);
          const message = Buffer.from(held.subarray(0, end));
          held = held.subarray(end);
          this.push(change(message));
        }
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}

function refusing(apiKey: () => number | null): Transform {
  return perMessage((request) => {
    const isLongEnough = request.length >= LENGTH_BYTES + API_KEY_BYTES;
    if (isLongEnough && request.readInt16BE(LENGTH_BYTES) === apiKey()) throw new Error('refused');
    return request;
  });
}

function readdressed(host: string, port: number, ownPort: () => number): Transform {
  const named = addressBytes(host, port);
  return perMessage((answer) => {
    for (let at = answer.indexOf(named); at >= 0; at = answer.indexOf(named, at + named.length)) {
      addressBytes(host, ownPort()).copy(answer, at);
    }
    return answer;
  });
}

/** As Kafka writes an address: length of the host in two bytes, host, port in four. */
function addressBytes(host: string, port: number): Buffer {
  const bytes = Buffer.alloc(2 + host.length + 4);
  bytes.writeInt16BE(host.length, 0);
  bytes.write(host, 2, 'ascii');
  bytes.writeInt32BE(port, 2 + host.length);
  return bytes;
}
