import { type FlinkMode, flinkParts } from './components/flink.js';
import { kafka } from './components/kafka.js';
import { postgres } from './components/postgres.js';
import { processParts } from './components/processes.js';
import { redis } from './components/redis.js';
import { temporal } from './components/temporal.js';
import { temporalTestServer } from './components/temporal-test-server.js';
import type { Artefact, Part } from './part.js';

/**
 * The component table: everything that runs, in one list. Versions are in `versions.json`, ports in `slots.ts`;
 * each row's file says where the component comes from, how it is configured, started, probed and stopped.
 */
export interface TableOptions {
  readonly flink: FlinkMode;
  readonly seed: boolean;
}

/** The stores and engines; `external` names those whose address the user set, which are not started here. */
export function components(flink: FlinkMode): Part[] {
  return [postgres, redis, kafka, temporal, ...flinkParts(flink)];
}

export function allParts(options: TableOptions): Part[] {
  const engines = components(options.flink);
  const flinkNames = flinkParts(options.flink).map((part) => part.name);
  return [...engines, ...processParts(flinkNames, options.seed)];
}

/** Prepared for tests, never started by the supervisor. */
const FOR_TESTS: readonly Artefact[] = [temporalTestServer];

/** Everything that can be in the cache, each once. */
export function artefactsOf(parts: readonly Part[], forTests: boolean): Artefact[] {
  const byName = new Map<string, Artefact>();
  for (const part of parts) for (const artefact of part.artefacts) byName.set(artefact.name, artefact);
  if (forTests) for (const artefact of FOR_TESTS) byName.set(artefact.name, artefact);
  return [...byName.values()];
}

/** What `wanted` needs, transitively, in table order; names of parts that are not in the table are left out. */
export function withNeeds(table: readonly Part[], wanted: readonly string[]): Part[] {
  const unknown = wanted.filter((name) => !table.some((part) => part.name === name));
  if (unknown.length > 0)
    throw new Error(
      `no such part: ${unknown.join(', ')}; there are ${table.map((part) => part.name).join(', ')}`,
    );
  const names = new Set<string>();
  const add = (name: string) => {
    const part = table.find((candidate) => candidate.name === name);
    if (part === undefined || names.has(name)) return;
    names.add(name);
    for (const need of part.needs) add(need);
  };
  for (const name of wanted) add(name);
  return table.filter((part) => names.has(part.name));
}
