import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { poll } from '../tests/support/poll.js';
import { endWhenSilent } from './kafka-socket.js';

/** Real connections; only the time that passes is made here. */
const SILENT_FOR_MS = 200;
const LOOK_EVERY_MS = 20;

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
  await once(socket, 'connect');
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  endWhenSilent(socket, SILENT_FOR_MS, LOOK_EVERY_MS);
});
afterEach(async () => {
  vi.useRealTimers();
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

it('a connection whose questions nobody answers is ended, however often it asks', async () => {
  answering = () => undefined;
  for (let passedMs = 0; passedMs < SILENT_FOR_MS; passedMs += LOOK_EVERY_MS) {
    socket.write('question');
    vi.advanceTimersByTime(LOOK_EVERY_MS);
  }
  expect(socket.destroyed).toBe(false);
  vi.advanceTimersByTime(2 * LOOK_EVERY_MS);
  await poll('it is ended', async () => ended !== null);
  expect(String(ended)).toContain('counts as lost');
});

it('one that is answered stays, and one that is asked nothing stays silent as long as it likes', async () => {
  answering = (peer) => peer.write('answer');
  for (let round = 0; round < 10; round += 1) {
    const answered = once(socket, 'data');
    socket.write('question');
    vi.advanceTimersByTime(SILENT_FOR_MS - LOOK_EVERY_MS);
    await answered;
    vi.advanceTimersByTime(LOOK_EVERY_MS);
  }
  vi.advanceTimersByTime(100 * SILENT_FOR_MS);
  expect([ended, socket.destroyed]).toEqual([null, false]);
});
