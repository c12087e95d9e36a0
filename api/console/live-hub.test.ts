import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LiveNumbers } from '../../contracts/http/monitoring.js';
import { LISTENERS_PER_PERSON, LiveHub, STREAM_MS } from './live-hub.js';

const NUMBERS: LiveNumbers = {
  advertiserId: 'adv_1',
  businessDate: '2026-11-24',
  balanceKrw: 1_000,
  balanceLevel: 'good',
  spentTodayKrw: 0,
  clicksToday: 0,
  conversionsToday: 0,
  campaigns: [],
  alerts: [],
};

let server: Server;
let hub: LiveHub;
let added: boolean[];
let errors: unknown[];
/** Held back while it is set: what a slow session look-up does between the request and the hub. */
let beforeAdding: (res: ServerResponse) => Promise<unknown>;

beforeEach(async () => {
  added = [];
  errors = [];
  beforeAdding = async () => {};
  hub = new LiveHub({
    read: async (ids) => new Map(ids.map((id) => [id, NUMBERS])),
    log: pino({ level: 'silent' }),
  });
  const app = express();
  app.get('/live', async (_req, res) => {
    res.on('error', (error) => errors.push(error));
    await beforeAdding(res);
    const taken = hub.add(res, 'adv_1', 'usr_1', null);
    added.push(taken);
    if (!taken) res.status(429).end();
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  vi.useRealTimers();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function ask() {
  const { port } = server.address() as AddressInfo;
  const req = request({ port, host: '127.0.0.1', path: '/live', agent: false }).end();
  req.on('error', () => {});
  return req;
}
const answered = async (req: ReturnType<typeof ask>): Promise<IncomingMessage> =>
  (await once(req, 'response'))[0];

describe('streams of live numbers', () => {
  test('a stream whose time is over ends, though a heartbeat is due in the same moment', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const stream = await answered(ask());
    const [first] = await once(stream, 'data');
    expect(String(first)).toContain('retry:');
    vi.setSystemTime(Date.now() + STREAM_MS + 1);
    const ended = once(stream, 'end');
    stream.resume();
    await ended;
    expect(errors).toEqual([]);
  });

  test('who left before the stream began takes no place', async () => {
    let left = 0;
    beforeAdding = (res) => {
      const gone = once(res, 'close').then(() => {
        left += 1;
      });
      server.closeAllConnections();
      return gone;
    };
    for (let n = 1; n <= LISTENERS_PER_PERSON; n += 1) {
      ask();
      await vi.waitFor(() => expect(added).toHaveLength(n), { timeout: 10_000 });
    }
    expect(left).toBe(LISTENERS_PER_PERSON);
    beforeAdding = async () => {};
    const stream = await answered(ask());
    expect(stream.statusCode).toBe(200);
    stream.destroy();
  });
});
