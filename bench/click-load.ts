import { fork } from 'node:child_process';
import { z } from 'zod';
import type { Round } from './rounds.js';

/** What `click-load-process` is told and what it answers. */
export const clickLoadSchema = z.object({
  url: z.string(),
  apiKey: z.string(),
  keys: z.object({ CLICK_TOKEN_KEYS: z.string(), HASH_KEY: z.string() }),
  campaigns: z.array(z.object({ advertiserId: z.string(), campaignId: z.string() })),
  seconds: z.number(),
  /** Clients that wait for each answer; with `perSecond` the most clicks on their way. */
  lanes: z.number().int(),
  perSecond: z.number().nullable(),
});
export type ClickLoadWish = z.infer<typeof clickLoadSchema>;

const answerSchema = z.object({
  sent: z.number(),
  took: z.number(),
  outcomes: z.record(z.string(), z.number()),
  p50Ms: z.number(),
  p99Ms: z.number(),
});

export interface ClickRound extends Round {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** `charged`, `accepted`, or the status of a refusal. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Clicks from another process, each on an ad of its own. Processor time is that of this process. */
export async function clickLoad(wish: ClickLoadWish): Promise<ClickRound> {
  const file = new URL(
    import.meta.url.endsWith('.ts') ? 'click-load-process.ts' : 'click-load-process.js',
    import.meta.url,
  );
  const child = fork(file, { stdio: 'inherit' });
  try {
    const told = (what: string) =>
      new Promise<unknown>((resolve, reject) => {
        child.once('message', resolve);
        child.once('exit', (code) => reject(new Error(`the load ended with ${code} before ${what}`)));
      });
    const ready = told('it was ready');
    child.send(wish);
    await ready;
    const before = process.cpuUsage();
    const done = told('its answer');
    child.send('go');
    const { sent, took, outcomes, p50Ms, p99Ms } = answerSchema.parse(await done);
    const used = process.cpuUsage(before);
    const cpuMicros = (used.user + used.system) / Math.max(1, sent);
    return { perSecond: sent / took, p50Ms, p99Ms, cpuMicros, outcomes };
  } finally {
    child.kill();
  }
}
