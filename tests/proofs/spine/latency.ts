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
  const running: Promise<void>[] = [];
  const started = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor(((performance.now() - started) / 1_000) * perSecond));
      while (running.length < due) {
        const visit = visits[running.length];
        if (visit === undefined) break;
        running.push(
          spine.shop.click(visit).then(
            (answer) => {
              times.push(answer.ms);
              const key = answer.body.outcome ?? String(answer.status);
              outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
            },
            (error: unknown) => {
              outcomes.set(String(error), (outcomes.get(String(error)) ?? 0) + 1);
            },
          ),
        );
      }
      if (running.length < count) return;
      clearInterval(timer);
      resolve();
    }, 2);
  });
  await Promise.all(running);
  spine.figure(
    `${perSecond}/s for ${seconds} s: p50 / p99 ms`,
    `${quantile(times, 0.5).toFixed(1)} / ${quantile(times, 0.99).toFixed(1)}`,
  );
  spine.figure('  answers', [...outcomes].map(([outcome, times]) => `${outcome} ${times}`).join(', '));
  spine.check(
    `${perSecond}/s: every click got an answer`,
    times.length === count,
    `${times.length} of ${count}`,
  );
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
