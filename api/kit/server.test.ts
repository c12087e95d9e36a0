import { EventEmitter, once } from 'node:events';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { listen } from './server.js';

const log = pino({ level: 'silent' });
const options = { host: '127.0.0.1', port: 0, log, shutdownTimeoutMs: 300 };

/** A server whose answers wait until they are let go. */
async function heldServer() {
  const gate = new EventEmitter();
  const arrived = once(gate, 'arrived');
  const letGo = once(gate, 'let go');
  const server = await listen((_req, res) => {
    gate.emit('arrived');
    letGo.then(() => res.end('done'));
  }, options);
  return { server, arrived, letGo: () => gate.emit('let go') };
}

describe('closing', () => {
  test('a request in flight is finished, a new one is refused', async () => {
    const { server, arrived, letGo } = await heldServer();
    const inFlight = fetch(server.url);
    await arrived;
    const closed = server.close();
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
    letGo();
    const answer = await inFlight;
    expect(await answer.text()).toBe('done');
    await closed;
  });

  test('what is still running at the deadline is cut off', async () => {
    const { server, arrived } = await heldServer();
    const inFlight = fetch(server.url).catch((error: unknown) => error);
    await arrived;
    await server.close();
    expect(await inFlight).toBeInstanceOf(TypeError);
  });

  test('idle keep-alive connections do not hold it up', async () => {
    const server = await listen((_req, res) => res.end('ok'), { ...options, shutdownTimeoutMs: 60_000 });
    await (await fetch(server.url)).text();
    const startedAt = performance.now();
    await Promise.all([server.close(), server.close()]);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  test('a taken port is an error, not silence', async () => {
    const server = await listen((_req, res) => res.end(), options);
    await expect(listen((_req, res) => res.end(), { ...options, port: server.port })).rejects.toThrow(
      'EADDRINUSE',
    );
    await server.close();
  });
});
