import { quantile } from '../../support/poll.js';
import { newDevice } from '../../support/shop.js';
import { KEYWORD } from './approve.js';
import type { Spine } from './context.js';

/** Click -> answer that says charged, open loop (a slow answer does not slow the next click), on this machine. */
export async function measureLatency(spine: Spine): Promise<void> {
  spine.step('Click to charged answer, everything on this machine');
  for (const perSecond of [100, 1_000]) await measureAt(spine, perSecond, spine.number('latency-seconds'));
}

async function measureAt(spine: Spine, perSecond: number, seconds: number): Promise<void> {
  const count = perSecond * seconds;
  const visits = await collectVisits(spine, count);
  const times: number[] = [];
  const outcomes = new Map<string, number>();
  let promised = 0;
  const tally = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  await openLoop(count, perSecond, async (index) => {
    const visit = visits[index];
    if (visit === undefined) throw new Error(`no visit ${index} of ${visits.length}`);
    try {
      const { status, body, ms } = await spine.shop.click(visit);
      times.push(ms);
      if (status === 200 || status === 202) promised += 1;
      tally(`${status} ${body.outcome ?? ''} ${body.reason ?? body.code ?? ''}`.replace(/ +/g, ' ').trim());
    } catch (error) {
      tally(String(error));
    }
  });
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((q) => quantile(times, q).toFixed(1));
  spine.figure(`${perSecond}/s for ${seconds} s: p50 / p90 / p99 ms`, `${p50} / ${p90} / ${p99}`);
  spine.figure('  answers', [...outcomes].map(([outcome, times]) => `${outcome} ${times}`).join(', '));
  spine.check(
    `${perSecond}/s: every click was answered 200 or 202`,
    promised === count,
    `${promised} of ${count}`,
  );
}

/** Starts `count` calls at their own times, whether or not earlier ones have ended, and waits for all. */
async function openLoop(
  count: number,
  perSecond: number,
  call: (index: number) => Promise<void>,
): Promise<void> {
  const running: Promise<void>[] = [];
  const started = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor(((performance.now() - started) / 1_000) * perSecond));
      while (running.length < due) running.push(call(running.length));
      if (running.length < count) return;
      clearInterval(timer);
      resolve();
    }, 2);
  });
  await Promise.all(running);
}

async function collectVisits(spine: Spine, count: number) {
  const visits: { clickToken: string; adId: string; deviceId: string }[] = [];
  while (visits.length < count) {
    const batch = Array.from({ length: Math.min(50, count - visits.length) }, async () => {
      const deviceId = newDevice();
      const ads = await spine.shop.ads({ placement: 'SEARCH', query: KEYWORD, maxAds: 5, deviceId });
      const ad = ads.body.ads[Math.floor(spine.random() * ads.body.ads.length)];
      if (ad === undefined) throw new Error(`no ads: ${JSON.stringify(ads.body)}`);
      return { clickToken: ads.body.clickToken, adId: ad.adId, deviceId };
    });
    visits.push(...(await Promise.all(batch)));
  }
  return visits;
}
