import { spawn } from 'node:child_process';
import { execa } from 'execa';

/** After the longest outage that is declared, whoever forgot to wake it. */
const SPARE_MS = 30_000;

/**
 * Stops a process and its children: connections stay and nobody answers, which is harder than being gone. PostgreSQL is
 * a family of processes, each a group of its own, so parent and children are signalled one by one and by number only:
 * `pid` must come from the supervisor of an own stack.
 *
 * The answer wakes them. Should this process end before it does, a shell of its own wakes them a little after
 * `forMs`: a stopped child of PostgreSQL would survive its parent and keep the next start from the data.
 */
export async function hang(pid: number, forMs: number): Promise<() => Promise<void>> {
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error(`${pid} is not a process of ours`);
  const seconds = Math.ceil((forMs + SPARE_MS) / 1_000);
  const wake = `sleep ${seconds}; kill -CONT ${pid}; pkill -CONT -P ${pid}`;
  const guard = spawn('sh', ['-c', wake], { detached: true, stdio: 'ignore' });
  guard.unref();
  const awake = async () => {
    await signalFamily(pid, 'CONT');
    if (guard.pid !== undefined) killGroup(guard.pid);
  };
  try {
    await signalFamily(pid, 'STOP');
  } catch (error) {
    await awake();
    throw error;
  }
  return awake;
}

/** The parent first: it starts no child between the two signals. One that has ended needs none. */
async function signalFamily(pid: number, signal: 'STOP' | 'CONT'): Promise<void> {
  try {
    process.kill(pid, `SIG${signal}`);
  } catch (error) {
    if (!(signal === 'CONT' && error instanceof Error && 'code' in error && error.code === 'ESRCH'))
      throw error;
  }
  const { exitCode } = await execa('pkill', [`-${signal}`, '-P', String(pid)], { reject: false });
  // 1: it has no children.
  if (exitCode !== 0 && exitCode !== 1) throw new Error(`pkill -${signal} -P ${pid} ended with ${exitCode}`);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has done its work and ended.
  }
}
