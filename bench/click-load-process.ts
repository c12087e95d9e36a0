import { clickPress, type PaidClick } from '../tests/support/paid-clicks.js';
import { quantile } from '../tests/support/poll.js';
import { connectShop } from '../tests/support/shop.js';
import { type ClickLoadWish, clickLoadSchema } from './click-load.js';

/** The other side of `clickLoad`: presses its tokens before it says that it is ready, then sends and measures. */
const MOST_PER_SECOND = 6_000;
const TICK_MS = 5;

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
  const shop = connectShop(wish.url, wish.apiKey);
  const latenciesMs: number[] = [];
  const outcomes: Record<string, number> = {};
  const startedAt = performance.now();
  let next = 0;
  const one = async () => {
    const click = clicks[next++];
    if (click === undefined) return;
    const { clickToken, adId, deviceId, clickedAt } = click;
    const { status, body, ms } = await shop.click({ clickToken, adId, deviceId, clickedAt });
    const outcome = status === 200 || status === 202 ? body.outcome : String(status);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    latenciesMs.push(ms);
  };
  const until = startedAt + wish.seconds * 1_000;
  if (wish.perSecond === null) {
    const lane = async () => {
      while (performance.now() < until && next < clicks.length) await one();
    };
    await Promise.all(Array.from({ length: wish.lanes }, lane));
  } else await paced(one, wish.perSecond, wish.lanes, until);
  const took = (performance.now() - startedAt) / 1_000;
  const sent = latenciesMs.length;
  return { sent, took, outcomes, p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) };
}

/** Starts clicks by the clock, whether or not those before are answered, up to `most` on their way. */
async function paced(
  one: () => Promise<void>,
  perSecond: number,
  most: number,
  until: number,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const startedAt = performance.now();
  let started = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      while (started < ((now - startedAt) * perSecond) / 1_000 && running.size < most) {
        started += 1;
        const task: Promise<void> = one().finally(() => running.delete(task));
        running.add(task);
      }
      if (now < until) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  await Promise.all(running);
}
