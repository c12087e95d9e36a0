import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { listen } from './server.js';
import { pathOfAddress } from './unreadable-request.js';

const log = pino({ level: 'silent' });
const options = { host: '127.0.0.1', port: 0, log, shutdownTimeoutMs: 60_000 };

/** A server whose answers wait until they are let go. */
async function heldServer(shutdownTimeoutMs = options.shutdownTimeoutMs) {
  const gate = new EventEmitter();
  const arrived = once(gate, 'arrived');
  const letGo = once(gate, 'let go');
  const server = await listen(
    (_req, res) => {
      gate.emit('arrived');
      letGo.then(() => res.end('done'));
    },
    { ...options, shutdownTimeoutMs },
  );
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
    const { server, arrived } = await heldServer(300);
    const inFlight = fetch(server.url).catch((error: unknown) => error);
    await arrived;
    await server.close();
    expect(await inFlight).toBeInstanceOf(TypeError);
  });

  test('idle keep-alive connections do not hold it up', async () => {
    const server = await listen((_req, res) => res.end('ok'), options);
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

describe('a sender who takes too long', () => {
  test('is told so and cut off soon after its time, not when Node would look', async () => {
    const server = await listen((_req, res) => res.end('ok'), options);
    server.server.headersTimeout = 100;
    const socket = connect(server.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: x\r\n'));
    let heard = '';
    socket.on('data', (bytes) => {
      heard += String(bytes);
    });
    const startedAt = performance.now();
    await once(socket, 'close');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(heard).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(heard).toContain('"code":"request_timeout"');
    await server.close();
  });
});

describe('the path of an address', () => {
  test.each([
    ['/v1/ads?a=b', '/v1/ads?a=b'],
    ['//v1/ads', '//v1/ads'],
    ['*', '*'],
    ['http://shop/v1/ads?a=b', '/v1/ads?a=b'],
    ['http://shop', '/'],
    ['http://[/v1/ads', null],
    ['mailto:someone', null],
    ['v1/ads', null],
    [undefined, null],
  ])('%s is %s', (url, path) => {
    expect(pathOfAddress(url)).toBe(path);
  });
});
