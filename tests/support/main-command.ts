import { execa } from 'execa';
import { REPO_ROOT } from '../../stack/bootstrap/places.mjs';

export interface CommandAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command of the built product (`main reconcile`, `main seed`, ...) on a stack. */
export async function runMain(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<CommandAnswer> {
  const result = await execa(process.execPath, ['dist/processes/main.js', ...args], {
    cwd: REPO_ROOT,
    env: { ...env, LOG_LEVEL: 'warn' },
    reject: false,
    timeout: 180_000,
  });
  return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

interface ReconcileReport {
  readonly ok: boolean;
  readonly invariants: readonly {
    id: string;
    title: string;
    ok: boolean;
    figures: Record<string, unknown>;
  }[];
}

/** `npm run reconcile` as a value. */
export async function reconcileReport(env: Readonly<Record<string, string>>): Promise<ReconcileReport> {
  const { stdout, stderr, exitCode } = await runMain(env, ['reconcile', '--json']);
  if (!stdout.startsWith('{')) throw new Error(`reconcile ended with ${exitCode}: ${stderr}`);
  return JSON.parse(stdout) as ReconcileReport;
}
