import net from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_MS = 60_000;
const LOOK_EVERY_MS = 1_000;
/** Longer than any answer takes: a request ten seconds, joining the workers' group fifteen. */
const SILENT_FOR_MS = 20_000;

/**
 * A socket that ends when it was asked and hears nothing: kafkajs repeats its requests on the same connection, and TCP
 * waits a quarter of an hour for a machine that vanished without a word.
 */
export const kafkaSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const named = net.isIP(host) === 0 ? { servername: host } : {};
  // kafkajs gives no `ssl` when none is configured, whatever its type says.
  const socket = ssl
    ? tls.connect({ host, port, ...named, ...ssl }, onConnect)
    : net.connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  endWhenSilent(socket);
  return socket;
};

/** Ends it once it was asked and has heard nothing for so long. */
export function endWhenSilent(
  socket: net.Socket,
  silentForMs = SILENT_FOR_MS,
  lookEveryMs = LOOK_EVERY_MS,
): void {
  let heardBytes = 0;
  let askedBytes = 0;
  let askedAt: number | null = null;
  const looks = setInterval(() => {
    const { bytesRead, bytesWritten } = socket;
    if (bytesRead !== heardBytes) {
      heardBytes = bytesRead;
      askedBytes = bytesWritten;
      askedAt = null;
    } else if (askedAt === null) {
      if (bytesWritten > askedBytes) askedAt = performance.now();
    } else if (performance.now() - askedAt > silentForMs) {
      socket.destroy(new Error(`no answer for ${silentForMs} ms, the connection counts as lost`));
    }
  }, lookEveryMs);
  looks.unref();
  socket.once('close', () => clearInterval(looks));
}
