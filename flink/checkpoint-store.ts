import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Written beside the checkpoints, for the deployer and for whoever looks into the folder. */
export interface DeploymentRecord {
  readonly statementHash: string;
  readonly jobId: string;
  readonly restoredFrom: string | null;
  readonly submittedAt: string;
}

/** Folders of earlier jobs that are kept beside the running one's. */
const KEPT_EARLIER_JOBS = 2;
const RECORD_FILE = 'statement.json';

/**
 * The checkpoints of one statement: `<folder>/<statement hash>/<job id>/chk-<n>/_metadata`. State of another
 * statement text lies in another folder, so it can never be restored by mistake.
 */
export class CheckpointStore {
  readonly folder: string;

  constructor(
    baseFolder: string,
    jobName: string,
    private readonly statementHash: string,
  ) {
    const base = baseFolder.startsWith('file:') ? fileURLToPath(baseFolder) : path.resolve(baseFolder);
    this.folder = path.join(base, jobName);
  }

  /** What Flink is told: a job makes its own folder inside. */
  get uri(): string {
    return pathToFileURL(path.join(this.folder, this.statementHash)).href;
  }

  /** Complete checkpoints of this statement text, newest first, as URIs to restore from. */
  async newestFirst(): Promise<readonly string[]> {
    const root = path.join(this.folder, this.statementHash);
    const found: { uri: string; atMs: number }[] = [];
    for (const job of await foldersIn(root)) {
      for (const checkpoint of await foldersIn(path.join(root, job))) {
        if (!checkpoint.startsWith('chk-')) continue;
        const atMs = await completedAt(path.join(root, job, checkpoint));
        if (atMs !== undefined)
          found.push({ uri: pathToFileURL(path.join(root, job, checkpoint)).href, atMs });
      }
    }
    return found.sort((a, b) => b.atMs - a.atMs).map((checkpoint) => checkpoint.uri);
  }

  /** Written under another name first: whoever reads it finds the old record or the new one. */
  async writeRecord(record: DeploymentRecord): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    const file = path.join(this.folder, RECORD_FILE);
    await writeFile(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`);
    await rename(`${file}.new`, file);
  }

  /**
   * Call when the running job has a complete checkpoint of its own: removes the folders of other statement texts
   * and of all but the newest earlier jobs. Checkpoints hold their whole state, none refers to another.
   */
  async prune(runningJobId: string): Promise<void> {
    for (const hash of await foldersIn(this.folder)) {
      if (hash !== this.statementHash)
        await rm(path.join(this.folder, hash), { recursive: true, force: true });
    }
    const root = path.join(this.folder, this.statementHash);
    const earlier: { job: string; atMs: number }[] = [];
    for (const job of await foldersIn(root)) {
      if (job !== runningJobId) earlier.push({ job, atMs: (await stat(path.join(root, job))).mtimeMs });
    }
    earlier.sort((a, b) => b.atMs - a.atMs);
    for (const { job } of earlier.slice(KEPT_EARLIER_JOBS)) {
      await rm(path.join(root, job), { recursive: true, force: true });
    }
  }
}

/** A checkpoint is complete when its metadata is there: Flink writes it last, under another name first. */
async function completedAt(folder: string): Promise<number | undefined> {
  const metadata = await stat(path.join(folder, '_metadata')).catch(absent);
  return metadata !== undefined && metadata.size > 0 ? metadata.mtimeMs : undefined;
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = (await readdir(folder, { withFileTypes: true }).catch(absent)) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** Missing is an answer; anything else that is wrong with the disk is not. */
function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
    return undefined;
  }
  throw error;
}
