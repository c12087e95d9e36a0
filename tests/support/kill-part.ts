import type { Stack } from '../../stack/start-stack.js';
import { poll } from './poll.js';

export const BACK_WITHIN_MS = 120_000;

/** SIGKILL, then until the supervisor has brought the part back and it says that it is ready. */
export async function killAndAwait(stack: Stack, part: string, afterKill?: () => void): Promise<void> {
  const before = stack.pidOf(part);
  stack.kill(part, 'SIGKILL');
  afterKill?.();
  const isAnother = async () => {
    const pid = stack.parts().find((status) => status.part === part)?.pid;
    return pid !== undefined && pid !== before;
  };
  await poll(`${part} is another process`, isAnother, BACK_WITHIN_MS);
  await stack.waitReady(part, BACK_WITHIN_MS);
}

/** Asked of the processes themselves: the deployer, for one, is ready only when its statements RUN again. */
export async function everythingReady(stack: Stack): Promise<void> {
  const { adServerOps, balanceWorkerOps, backOfficeOps, backgroundOps, outsideOps } = stack.ports;
  for (const port of [adServerOps, balanceWorkerOps, backOfficeOps, backgroundOps, outsideOps]) {
    await poll(
      `the process on port ${port} says that it is ready`,
      async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
        return answer?.status === 200;
      },
      BACK_WITHIN_MS,
      100,
    );
  }
}
