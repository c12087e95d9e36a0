import type { FlinkMode } from './components/flink.js';
import { type Stack, startStack } from './start-stack.js';

interface ForegroundOptions {
  readonly slot: number;
  readonly flink: FlinkMode;
  readonly seed: boolean;
  readonly parts?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** `npm start`: runs until a signal, then stops everything in order. A second signal ends it at once. */
export async function runForeground(options: ForegroundOptions): Promise<number> {
  const startedAt = performance.now();
  const run = { stack: undefined as Stack | undefined, stopRequested: false };
  const ended = new Promise<void>((resolve, reject) => {
    const onSignal = (signal: NodeJS.Signals) => {
      if (run.stopRequested) process.exit(1);
      run.stopRequested = true;
      process.stdout.write(`\n${signal}: stopping (again: at once)\n`);
      if (run.stack === undefined) process.exit(1);
      run.stack.stop().then(resolve, reject);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
  try {
    const stack = await startStack({
      ...options,
      onStack: (created) => {
        run.stack = created;
      },
    });
    printAddresses(stack, (performance.now() - startedAt) / 1_000);
  } catch (error) {
    // A signal during the start makes the start fail: that is the wanted end, not an error.
    if (!run.stopRequested) throw error;
  }
  await ended;
  process.stdout.write('stopped; the data stays\n');
  return 0;
}

function printAddresses(stack: Stack, seconds: number): void {
  const { ports, env, external } = stack;
  const url = (port: number, path = '') => `http://127.0.0.1:${port}${path}`;
  const lines = [
    ['ad server', url(ports.adServer)],
    ['console API', url(ports.consoleApi)],
    ['its documentation', url(ports.consoleApi, '/docs')],
    ['operators', url(ports.consoleApi, '/status')],
    ['demo shop', url(ports.storefront)],
    ['sandbox mailbox', url(ports.providers, '/mailbox')],
    ['Temporal UI', external.includes('temporal') ? 'of your own server' : url(ports.temporalUi)],
    ['Flink UI', env.FLINK_REST_URL ?? url(ports.flinkRest)],
  ];
  process.stdout.write(`\nready after ${seconds.toFixed(1)} s\n\n`);
  for (const [name = '', address = ''] of lines) process.stdout.write(`  ${name.padEnd(18)} ${address}\n`);
  process.stdout.write(
    `\n  data in ${stack.dataDir}\n  "npm run stack -- status" and "npm run stack -- logs <part> -f" show more; Ctrl-C stops.\n`,
  );
}
