import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { poll } from '../tests/support/poll.js';
import { endWhenSilent } from './kafka-socket.js';

let server: Server;
let answering: (socket: Socket) => void;
let socket: Socket;
let ended: Error | null;

beforeEach(async () => {
  ended = null;
  server = createServer((peer) => {
    peer.on('error', () => undefined);
    peer.on('data', () => answering(peer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', (error) => {
    ended = error;
  });
  socket.resume();
  endWhenSilent(socket, 200, 20);
  await new Promise((resolve) => socket.once('connect', resolve));
});
afterEach(async () => {
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

it('a connection whose questions nobody answers is ended, however often it asks', async () => {
  answering = () => undefined;
  const startedAt = performance.now();
  await poll('it is ended', async () => {
    if (socket.writable) socket.write('question');
    return ended !== null;
  });
  expect(String(ended)).toContain('counts as lost');
  expect(performance.now() - startedAt).toBeGreaterThan(200);
});

it('one that is answered stays, and one that is asked nothing stays silent as long as it likes', async () => {
  answering = (peer) => peer.write('answer');
  const startedAt = performance.now();
  await poll('half a second of talk', async () => {
    socket.write('question');
    return performance.now() - startedAt > 500;
  });
  await poll('half a second of silence', async () => performance.now() - startedAt > 1_000);
  expect([ended, socket.destroyed]).toEqual([null, false]);
});
