import { acquireFreeSlot } from '../../stack/slots.js';
import { startStack } from '../../stack/start-stack.js';

/**
 * One set of real components for all integration tests, on a slot of its own. Test files keep apart by a database,
 * a topic prefix and ids of their own. The addresses reach them through the environment.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const stack = await startStack({
    slot: await acquireFreeSlot(),
    parts: ['components'],
    fresh: true,
    quiet: true,
  });
  Object.assign(process.env, stack.env, { ADS_ENV: 'test', LOG_LEVEL: 'warn' });
  return () => stack.stop();
}
