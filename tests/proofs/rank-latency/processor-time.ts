import { readFileSync } from 'node:fs';
import type { Stack } from '../../../stack/start-stack.js';

const TICKS_PER_SECOND = 100;
const PARTS = ['flink', 'kafka', 'background', 'ad-server', 'balance-worker', 'redis'];
const PROOF = 'this proof';
const MACHINE = 'whole machine';

/**
 * Seconds of processor time so far: of parts of the stack, of this process, and of everything that runs here (so that
 * a disturbed measurement can be told). Empty where there is no /proc. PostgreSQL is many processes, and left out.
 */
export function processorSeconds(stack: Stack): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const part of PARTS) {
    const seconds = secondsOf(stack, part);
    if (seconds !== null) found.set(part, seconds);
  }
  const { user, system } = process.cpuUsage();
  found.set(PROOF, (user + system) / 1_000_000);
  const machine = secondsOfMachine();
  if (machine !== null) found.set(MACHINE, machine);
  return found;
}

export const processorShares = (
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  seconds: number,
): string =>
  [...after]
    .map(([name, used]) => `${name} ${(((used - (before.get(name) ?? 0)) / seconds) * 100).toFixed(0)}`)
    .join(', ');

function secondsOf(stack: Stack, part: string): number | null {
  try {
    const stat = readFileSync(`/proc/${stack.pidOf(part)}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    // Not a part of this stack, or no such file on this system: a figure less.
    return null;
  }
}

/** user, nice, system, (idle, iowait), irq, softirq of all processors together. */
function secondsOfMachine(): number | null {
  try {
    const [, user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
      .split(/\s+/)
      .map(Number);
    return (
      [user, nice, system, irq, softirq].reduce((sum: number, ticks) => sum + (ticks ?? 0), 0) /
      TICKS_PER_SECOND
    );
  } catch {
    return null;
  }
}
