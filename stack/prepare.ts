import { formatMiB, type GetResult } from './bootstrap/get-once.mjs';
import type { FlinkMode } from './components/flink.js';
import { artefactsOf, components } from './components.js';
import type { Artefact } from './part.js';
import { externalParts, userSettings } from './stack-env.js';

export interface PrepareOptions {
  readonly flink: FlinkMode;
  /** Also what only tests use; and everything native, whatever `.env` says, since tests run on their own slots. */
  readonly forTests: boolean;
  readonly say: (line: string) => void;
}

export interface SummaryRow extends GetResult {
  readonly name: string;
  readonly version: string;
}

/** Gets all components side by side, with a line for each when it is there. */
export async function prepareArtefacts(options: PrepareOptions): Promise<SummaryRow[]> {
  const external = options.forTests ? [] : externalParts(userSettings());
  const parts = components(options.flink).filter(
    (part) => !external.some((name) => part.name.startsWith(name)),
  );
  return Promise.all(artefactsOf(parts, options.forTests).map((artefact) => getOne(artefact, options.say)));
}

async function getOne(artefact: Artefact, say: (line: string) => void): Promise<SummaryRow> {
  const { name, version } = artefact;
  const result = await artefact.get(say);
  if (!result.cached)
    say(`${name} ${version}: ${formatMiB(result.bytes)} in ${result.seconds} s (${artefact.source})`);
  return { name, version, ...result };
}
