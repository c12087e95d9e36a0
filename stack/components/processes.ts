import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { REPO_ROOT } from '../bootstrap/places.mjs';
import type { Command, Part, SlotContext } from '../part.js';
import type { PortName } from '../slots.js';
import { isOk } from './http-ready.js';

/** The project's own processes, four operating-system processes in the native stack; production runs each alone. */

const ENTRY = join(REPO_ROOT, 'dist', 'processes', 'main.js');
const MIGRATE = 'migrate';

interface Group {
  readonly name: string;
  readonly runs: readonly string[];
  readonly needs: readonly string[];
  readonly opsPort: PortName;
}

/** The process code drains within `SHUTDOWN_TIMEOUT_MS` (15 s by default); after this it is killed. */
const STOP = { signal: 'SIGTERM', timeoutMs: 18_000 } as const;
/** The deployer is ready when its statements run: half a minute, and much more on a busy machine. */
const READY_DEADLINE_MS = 240_000;

function groups(flinkNames: readonly string[]): readonly Group[] {
  return [
    { name: 'ad-server', runs: ['ad-server'], needs: ['redis', 'kafka'], opsPort: 'adServerOps' },
    {
      name: 'balance-worker',
      runs: ['balance-worker'],
      needs: ['redis', 'kafka'],
      opsPort: 'balanceWorkerOps',
    },
    {
      name: 'back-office',
      runs: ['console-api', 'temporal-worker'],
      needs: ['redis', 'kafka', 'temporal'],
      opsPort: 'backOfficeOps',
    },
    {
      name: 'background',
      runs: ['budget-monitor', 'flink-deployer'],
      needs: ['redis', 'kafka', ...flinkNames],
      opsPort: 'backgroundOps',
    },
  ];
}

export function processParts(flinkNames: readonly string[], withSeed: boolean): Part[] {
  const migrate = oneShot(MIGRATE, ['postgres', 'kafka']);
  const seed = oneShot('seed', [MIGRATE, 'redis', 'kafka', 'temporal'], ['--history-days', '30']);
  // Shoppers come when the history is written: it walks the clock through the past.
  const outsideNeeds = withSeed ? [seed.name] : [];
  return [
    migrate,
    ...(withSeed ? [seed] : []),
    ...groups(flinkNames).map(service),
    service({ name: 'outside', runs: ['outside'], needs: outsideNeeds, opsPort: 'outsideOps' }),
  ];
}

function oneShot(name: string, needs: readonly string[], args: readonly string[] = []): Part {
  return {
    name,
    version: 'this repository',
    kind: 'once',
    artefacts: [],
    needs,
    prepare: requireBuild,
    command: () => nodeCommand([name, ...args], {}),
    ready: async () => true,
    readyDeadlineMs: READY_DEADLINE_MS,
    stop: STOP,
  };
}

function service(group: Group): Part {
  return {
    name: group.name,
    version: 'this repository',
    kind: 'service',
    artefacts: [],
    needs: [MIGRATE, 'postgres', ...group.needs],
    port: group.opsPort,
    prepare: requireBuild,
    command: (context) => nodeCommand(group.runs, { OPS_PORT: String(context.ports[group.opsPort]) }),
    ready: (context: SlotContext) => isOk(`http://127.0.0.1:${context.ports[group.opsPort]}/readyz`),
    readyDeadlineMs: READY_DEADLINE_MS,
    stop: STOP,
  };
}

async function requireBuild(): Promise<void> {
  if (!existsSync(ENTRY))
    throw new Error('the processes are not built yet: run "node stack/bootstrap.mjs build"');
}

function nodeCommand(args: readonly string[], env: Record<string, string>): Command {
  return { file: process.execPath, args: ['--enable-source-maps', ENTRY, ...args], cwd: REPO_ROOT, env };
}
