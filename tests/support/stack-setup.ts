import { acquireFreeSlot } from '../../stack/slots.js';
import { stackEnv } from '../../stack/stack-env.js';
import { startStack } from '../../stack/start-stack.js';

/**
 * One set of real components for all integration tests, on a slot of its own. Test files keep apart by a database,
 * a topic prefix and ids of their own. The addresses reach them through the environment. `ADS_TEST_SLOT` names a
 * slot where the components already run (`start --components --slot N`), for quick repetitions of one file.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const running = process.env.ADS_TEST_SLOT;
  if (running !== undefined && running !== '') {
    Object.assign(process.env, stackEnv(Number(running)), { ADS_ENV: 'test', LOG_LEVEL: 'warn' });
    return async () => undefined;
  }
  const stack = await startStack({
    slot: await acquireFreeSlot(),
    parts: ['components'],
    fresh: true,
    quiet: true,
  });
  Object.assign(process.env, stack.env, { ADS_ENV: 'test', LOG_LEVEL: 'warn' });
  return () => stack.stop();
}
