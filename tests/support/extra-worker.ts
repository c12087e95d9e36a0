import { execa } from 'execa';
import { REPO_ROOT } from '../../stack/bootstrap/places.mjs';
import { poll } from './poll.js';

const READY_WITHIN_MS = 30_000;

/** One more balance worker in the same group: its coming and its going move partitions. */
export async function startExtraWorker(env: Readonly<Record<string, string>>, opsPort: number) {
  const child = execa(process.execPath, ['dist/processes/main.js', 'balance-worker'], {
    cwd: REPO_ROOT,
    env: { ...env, OPS_PORT: String(opsPort), INSTANCE_NAME: `extra-worker-${opsPort}` },
    stdio: 'ignore',
    reject: false,
  });
  await poll(
    'the extra worker is ready',
    async () => {
      const answer = await fetch(`http://127.0.0.1:${opsPort}/readyz`).catch(() => null);
      return answer?.status === 200;
    },
    READY_WITHIN_MS,
    100,
  );
  return {
    /** SIGTERM leaves the group in order, SIGKILL without a word. */
    end: async (signal: 'SIGTERM' | 'SIGKILL') => {
      child.kill(signal);
      await child;
    },
  };
}
