import type { ParseArgsConfig } from 'node:util';
import { z } from 'zod';
import type { LogWish } from './flink-log.js';

/** What `npm run bench -- flink` may be told. */
export interface FlinkWish {
  readonly log: LogWish;
  /** As `log.stepMs`, of the log of two days by which the state is watched. */
  readonly stateStepMs: number;
  readonly rounds: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly sqlFile: string | null;
  readonly parallelism: number | null;
  /** One more run of each statement under the recorder of the JVM. */
  readonly profile: boolean;
}

export const FLINK_FLAGS = {
  events: { type: 'string', default: '2000000' },
  rounds: { type: 'string', default: '3' },
  seed: { type: 'string', default: '1' },
  'step-ms': { type: 'string', default: '100' },
  'state-step-ms': { type: 'string', default: '30000' },
  parallelism: { type: 'string' },
  set: { type: 'string', multiple: true, default: [] },
  sql: { type: 'string' },
  profile: { type: 'boolean', default: false },
} satisfies NonNullable<ParseArgsConfig['options']>;

/** Event time of the first record: it matters to nothing, but the same seed gives the same log. */
const START_MS = Date.UTC(2026, 0, 5, 0, 0, 1);

const count = z.coerce.number().int().positive();
const schema = z.object({
  events: count,
  rounds: count,
  seed: z.coerce.number().int(),
  'step-ms': count,
  'state-step-ms': count,
  parallelism: count.max(4).optional(),
  set: z.array(z.string().regex(/^[\w.-]+=.*$/, 'name=value')),
  sql: z.string().optional(),
  profile: z.boolean(),
});

/** Throws with every flag that cannot be understood. */
export function flinkWish(flags: unknown): FlinkWish {
  const parsed = schema.safeParse(flags);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  const { events, rounds, seed, parallelism, set, sql, profile } = parsed.data;
  return {
    log: { events, seed, startMs: START_MS, stepMs: parsed.data['step-ms'] },
    stateStepMs: parsed.data['state-step-ms'],
    rounds,
    profile,
    parallelism: parallelism ?? null,
    sqlFile: sql ?? null,
    settings: Object.fromEntries(
      set.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ),
  };
}
