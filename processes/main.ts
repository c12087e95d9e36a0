import { ConfigError, loadConfig } from '../infra/config.js';
import { createLogger } from '../infra/log.js';
import { createMetrics } from '../infra/metrics.js';
import { ONE_SHOTS, PROCESSES, type ProcessName } from './catalogue.js';
import { startOpsServer } from './ops-server.js';
import type { RunningProcess } from './process.js';

const USAGE = `main <name...>   run one or more processes in this operating-system process
main <command>   run a command and exit

processes: ${Object.keys(PROCESSES).join(', ')}
commands:  ${Object.keys(ONE_SHOTS).join(', ')}

Settings come from the environment; see docs/config.md.`;

async function main(args: readonly string[]): Promise<void> {
  const [first, ...rest] = args;
  if (first === undefined || first === '--help' || first === '-h') {
    process.stdout.write(`${USAGE}\n`);
    process.exitCode = first === undefined ? 2 : 0;
    return;
  }
  const command = ONE_SHOTS[first];
  if (command !== undefined) {
    const config = loadConfig();
    const log = createLogger(config, first);
    const code = await command({ config, log, metrics: createMetrics({ defaultMetrics: false }) }, rest);
    // A client library's idle connection would keep the finished command for ten seconds more.
    process.exit(code);
  }
  const unknown = args.filter((name) => !(name in PROCESSES));
  if (unknown.length > 0) {
    process.stderr.write(`unknown: ${unknown.join(', ')}\n\n${USAGE}\n`);
    process.exitCode = 2;
    return;
  }
  await runProcesses(args as ProcessName[]);
}

/** Starts in the order of the catalogue and stops in the reverse order, so that producers drain before stores. */
async function runProcesses(names: readonly ProcessName[]): Promise<void> {
  const config = loadConfig();
  const metrics = createMetrics({ defaultMetrics: true });
  const log = createLogger(config, names.join('+'));
  const running: RunningProcess[] = [];
  const ops = await startOpsServer({ config, metrics, running, expected: names.length });

  let stopping = false;
  const stop = async (reason: string, exitCode: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    const deadline = setTimeout(() => {
      log.error({ timeoutMs: config.SHUTDOWN_TIMEOUT_MS }, 'drain took too long, ending');
      process.exit(1);
    }, config.SHUTDOWN_TIMEOUT_MS);
    deadline.unref();
    for (const part of running.toReversed()) {
      await part.stop().catch((error: unknown) => log.error({ error, part: part.name }, 'stop failed'));
    }
    await ops.close();
    log.info('stopped');
    process.exit(exitCode);
  };
  process.on('SIGTERM', () => void stop('SIGTERM', 0));
  process.on('SIGINT', () => void stop('SIGINT', 0));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception');
    void stop('uncaught exception', 1);
  });
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled rejection');
    void stop('unhandled rejection', 1);
  });

  for (const name of Object.keys(PROCESSES) as ProcessName[]) {
    if (!names.includes(name)) continue;
    const start = await PROCESSES[name]();
    const part = await start({ config, log: log.child({ part: name }), metrics });
    if (stopping) return;
    running.push(part);
    log.info({ part: name }, 'started');
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const message =
    error instanceof ConfigError ? error.message : String(error instanceof Error ? error.stack : error);
  process.stderr.write(`${message}\n`);
  process.exit(1);
});
