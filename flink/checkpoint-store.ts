import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Written beside the checkpoints, for the deployer and for whoever looks into the folder. */
export interface DeploymentRecord {
  readonly statementHash: string;
  readonly stateVersion: number;
  readonly jobId: string;
  readonly restoredFrom: string | null;
  readonly submittedAt: string;
}

/** Folders of earlier jobs that are kept beside the running one's. */
const KEPT_EARLIER_JOBS = 2;
/** Savepoints that are kept. A person who wants one for longer copies it away. */
const KEPT_SAVEPOINTS = 3;
const RECORD_FILE = 'statement.json';
/** Flink makes one folder for each savepoint in here. */
const SAVEPOINTS = 'savepoints';
const STATE_FOLDER = /^state-(\d+)$/;

/** The folder of one statement in `FLINK_CHECKPOINT_DIR`, whatever its state is called. */
export function statementFolder(baseFolder: string, jobName: string): string {
  const base = baseFolder.startsWith('file:') ? fileURLToPath(baseFolder) : path.resolve(baseFolder);
  return path.join(base, jobName);
}

/**
 * The state of one statement: `<folder>/state-<version>/<job id>/chk-<n>/_metadata`, and what was saved on purpose in
 * `<folder>/state-<version>/savepoints/savepoint-…/_metadata`. State of another version lies in another folder, so it
 * can never be restored by mistake.
 */
export class CheckpointStore {
  readonly folder: string;
  private readonly root: string;

  constructor(
    baseFolder: string,
    jobName: string,
    private readonly stateVersion: number,
  ) {
    this.folder = statementFolder(baseFolder, jobName);
    this.root = path.join(this.folder, `state-${stateVersion}`);
  }

  /** What Flink is told: a job makes its own folder inside. */
  get uri(): string {
    return pathToFileURL(this.root).href;
  }

  /** Where savepoints of this state go. */
  get savepointsUri(): string {
    return pathToFileURL(path.join(this.root, SAVEPOINTS)).href;
  }

  /** Complete checkpoints and savepoints of this state version, newest first, as URIs to restore from. */
  async newestFirst(): Promise<readonly string[]> {
    const found: { uri: string; atMs: number }[] = [];
    for (const job of await foldersIn(this.root)) {
      const prefix = job === SAVEPOINTS ? 'savepoint-' : 'chk-';
      for (const name of await foldersIn(path.join(this.root, job))) {
        const folder = path.join(this.root, job, name);
        const atMs = name.startsWith(prefix) ? await completedAt(folder) : undefined;
        if (atMs !== undefined) found.push({ uri: pathToFileURL(folder).href, atMs });
      }
    }
    return found.sort((a, b) => b.atMs - a.atMs).map((state) => state.uri);
  }

  /** Written under another name first: whoever reads it finds the old record or the new one. */
  async writeRecord(record: DeploymentRecord): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    const file = path.join(this.folder, RECORD_FILE);
    await writeFile(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`);
    await rename(`${file}.new`, file);
  }

  /**
   * Call when the running job has a complete checkpoint of its own: removes all but the newest earlier jobs and
   * savepoints, and other states but the one before this one (who goes back to the version before finds it and reads
   * the log from there). Each state is whole, none refers to another.
   */
  async prune(runningJobId: string): Promise<void> {
    const versions = (await foldersIn(this.folder)).map((name) => ({ name, version: versionOf(name) }));
    const before = Math.max(
      ...versions.flatMap(({ version }) =>
        version !== undefined && version < this.stateVersion ? [version] : [],
      ),
    );
    for (const { name, version } of versions) {
      if (version === this.stateVersion || version === before) continue;
      await rm(path.join(this.folder, name), { recursive: true, force: true });
    }
    const jobs = (await foldersIn(this.root)).filter((job) => job !== runningJobId && job !== SAVEPOINTS);
    await keepNewest(this.root, jobs, KEPT_EARLIER_JOBS);
    const savepoints = path.join(this.root, SAVEPOINTS);
    await keepNewest(savepoints, await foldersIn(savepoints), KEPT_SAVEPOINTS);
  }
}

function versionOf(name: string): number | undefined {
  const version = STATE_FOLDER.exec(name)?.[1];
  return version === undefined ? undefined : Number(version);
}

async function keepNewest(folder: string, names: readonly string[], kept: number): Promise<void> {
  const dated: { name: string; atMs: number }[] = [];
  for (const name of names) dated.push({ name, atMs: (await stat(path.join(folder, name))).mtimeMs });
  dated.sort((a, b) => b.atMs - a.atMs);
  for (const { name } of dated.slice(kept))
    await rm(path.join(folder, name), { recursive: true, force: true });
}

/** A state is complete when its metadata is there: Flink writes it last, under another name first. */
async function completedAt(folder: string): Promise<number | undefined> {
  const metadata = await stat(path.join(folder, '_metadata')).catch(absent);
  return metadata !== undefined && metadata.size > 0 ? metadata.mtimeMs : undefined;
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = (await readdir(folder, { withFileTypes: true }).catch(absent)) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** Missing is an answer; anything else that is wrong with the disk is not. */
export function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
    return undefined;
  }
  throw error;
}
