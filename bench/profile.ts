import { Session } from 'node:inspector/promises';
import { basename } from 'node:path';

const INTERVAL_US = 500;
const MOST_LINES = 14;

/**
 * Where this process is while `work` runs: the functions in which it was found most often, each with its share of all
 * samples (self time, callees not included; `(idle)` waits for others).
 */
export async function profileOf(work: () => Promise<unknown>): Promise<string[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
    await session.post('Profiler.start');
    await work();
    const { profile } = await session.post('Profiler.stop');
    const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
    const counts = new Map<string, number>();
    for (const id of profile.samples ?? []) {
      const name = names.get(id) ?? '';
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const total = profile.samples?.length ?? 0;
    const lines = [...counts]
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST_LINES)
      .map(([name, count]) => `${((100 * count) / total).toFixed(1)} % ${name}`);
    return ['Share of the samples of this process, by function (self time):', ...lines];
  } finally {
    session.disconnect();
  }
}

/** Function and file; what V8 and Node do in C++ has no file. */
function nameOf({ functionName, url }: { readonly functionName: string; readonly url: string }): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name}, ${basename(url)}`;
}
