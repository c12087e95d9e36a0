import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { absent } from './checkpoint-store.js';

const desiredSchema = z.object({
  state: z.enum(['running', 'stopped']),
  /** Who asked, and when: shown to whoever wonders why a statement stands still. */
  by: z.string(),
  at: z.string(),
});
export type DesiredState = z.infer<typeof desiredSchema>;

const claimSchema = z.object({ startedAtMs: z.number(), deploymentHash: z.string() });
/** The deployer that decides which text runs: the one that began last. */
export type Claim = z.infer<typeof claimSchema>;

const DESIRED_FILE = 'desired.json';
const CLAIM_FILE = 'deployer.json';

/**
 * What a person wants of a statement. It lies beside the checkpoints: whoever deploys the statement, from any machine,
 * reads it there, and it outlives every process. Nothing there: it shall run. Throws when the file is damaged: a stop
 * that cannot be read must not become a start.
 */
export const readDesiredState = (statementFolder: string): Promise<DesiredState | undefined> =>
  readJson(path.join(statementFolder, DESIRED_FILE), desiredSchema);

export const writeDesiredState = (statementFolder: string, desired: DesiredState): Promise<void> =>
  writeJson(statementFolder, DESIRED_FILE, desired);

export const readClaim = (statementFolder: string): Promise<Claim | undefined> =>
  readJson(path.join(statementFolder, CLAIM_FILE), claimSchema);

export const writeClaim = (statementFolder: string, claim: Claim): Promise<void> =>
  writeJson(statementFolder, CLAIM_FILE, claim);

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readFile(file, 'utf8').catch(absent);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${file} is damaged: remove it, and say again what you want ("npm run flink -- stop")`, {
      cause: error,
    });
  }
}

/** Written under another name first: whoever reads it finds the old content or the new one. */
async function writeJson(folder: string, name: string, value: unknown): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, name);
  await writeFile(`${file}.${process.pid}`, `${JSON.stringify(value, null, 2)}\n`);
  await rename(`${file}.${process.pid}`, file);
}
