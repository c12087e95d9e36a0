import { z } from 'zod';
import { clickPress, type PaidClick } from '../tests/support/paid-clicks.js';
import { quantile } from '../tests/support/poll.js';
import { type ClickLoadWish, clickLoadSchema } from './click-load.js';
import { postRequest, RawLane } from './raw-lane.js';

/** The other side of `clickLoad`: presses its tokens before it says that it is ready, then sends and measures. */
const MOST_PER_SECOND = 12_000;
const TICK_MS = 5;
const USER_AGENT = 'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36';
const outcomeSchema = z.object({ outcome: z.string() });

process.once('message', (message) => {
  const wish = clickLoadSchema.parse(message);
  const clicks = pressed(wish);
  process.once('message', () => {
    send(wish, clicks).then(
      (result) => process.send?.(result),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  });
  process.send?.('ready');
});

function pressed({ keys, campaigns, seconds, perSecond }: ClickLoadWish): PaidClick[] {
  const press = clickPress(keys);
  const now = Date.now();
  return Array.from({ length: Math.ceil(seconds * (perSecond ?? MOST_PER_SECOND)) }, (_, index) => {
    const campaign = campaigns[index % campaigns.length];
    if (campaign === undefined) throw new Error('no campaign to click on');
    return press({ ...campaign, priceKrw: 100 }, now);
  });
}

async function send(wish: ClickLoadWish, clicks: readonly PaidClick[]) {
  const url = new URL('/v1/clicks', wish.url);
  const headers = { authorization: `Bearer ${wish.apiKey}`, 'x-shopper-user-agent': USER_AGENT };
  const requests = clicks.map(({ clickToken, adId, deviceId, clickedAt }) =>
    postRequest(url, headers, JSON.stringify({ clickToken, adId, deviceId, clickedAt })),
  );
  const lanes = await Promise.all(Array.from({ length: wish.lanes }, () => RawLane.open(url)));
  const latenciesMs: number[] = [];
  const outcomes: Record<string, number> = {};
  const startedAt = performance.now();
  let next = 0;
  const one = async (lane: RawLane) => {
    const request = requests[next++];
    if (request === undefined) return;
    const { status, body, ms } = await lane.send(request);
    const outcome =
      status === 200 || status === 202 ? outcomeSchema.parse(JSON.parse(body)).outcome : String(status);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    latenciesMs.push(ms);
  };
  const until = startedAt + wish.seconds * 1_000;
  if (wish.perSecond === null) {
    const busy = async (lane: RawLane) => {
      while (performance.now() < until && next < requests.length) await one(lane);
    };
    await Promise.all(lanes.map(busy));
  } else await paced(one, lanes, wish.perSecond, until);
  const took = (performance.now() - startedAt) / 1_000;
  for (const lane of lanes) lane.close();
  const sent = latenciesMs.length;
  return { sent, took, outcomes, p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) };
}

/** Starts clicks by the clock, whether or not those before are answered, as long as a connection is free. */
async function paced(
  one: (lane: RawLane) => Promise<void>,
  lanes: readonly RawLane[],
  perSecond: number,
  until: number,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const free = [...lanes];
  const startedAt = performance.now();
  let started = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      while (started < ((now - startedAt) * perSecond) / 1_000) {
        const lane = free.pop();
        if (lane === undefined) break;
        started += 1;
        const task: Promise<void> = one(lane).finally(() => {
          running.delete(task);
          free.push(lane);
        });
        running.add(task);
      }
      if (now < until) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  await Promise.all(running);
}
