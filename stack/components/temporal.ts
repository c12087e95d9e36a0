import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../contracts/temporal/campaign-lifecycle.js';
import { VERSIONS } from '../bootstrap/places.mjs';
import { getTemporalCli, temporalCliPath } from '../bootstrap/temporal-cli.mjs';
import type { Part, SlotContext } from '../part.js';
import { isOk } from './http-ready.js';

/** The development server of the Temporal CLI, on a SQLite file, with its web UI. */

const dataOf = (context: SlotContext) => join(context.dataDir, 'temporal');

/** What lists and the UI filter by; registered at each start, known ones are kept. */
const searchAttributes = Object.values(SEARCH_ATTRIBUTES);

/** The default minimal interval between runs of one workflow id costs a second per continue-as-new. */
const DYNAMIC_CONFIG = { 'history.workflowIdReuseMinimalInterval': '"0s"' } as const;

export const temporal: Part = {
  name: 'temporal',
  version: VERSIONS.temporalCli,
  kind: 'service',
  artefacts: [
    {
      name: 'temporal',
      version: VERSIONS.temporalCli,
      source: 'Go github.com/temporalio/cli',
      get: getTemporalCli,
    },
  ],
  needs: [],
  port: 'temporalGrpc',
  prepare: async (context) => {
    mkdirSync(dataOf(context), { recursive: true });
  },
  command: (context) => ({ file: temporalCliPath(), args: serverArgs(context), cwd: dataOf(context) }),
  ready: (context) => isOk(`http://127.0.0.1:${context.ports.temporalHttp}/api/v1/namespaces/default`),
  readyDeadlineMs: 60_000,
  stop: { signal: 'SIGTERM', timeoutMs: 15_000 },
};

function serverArgs(context: SlotContext): string[] {
  const { temporalGrpc, temporalHttp, temporalUi, temporalMetrics } = context.ports;
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--ui-ip', '127.0.0.1', '--log-level', 'warn'],
    ...['--port', String(temporalGrpc), '--http-port', String(temporalHttp)],
    ...['--ui-port', String(temporalUi), '--metrics-port', String(temporalMetrics)],
    ...['--db-filename', join(dataOf(context), 'temporal.db'), '--sqlite-pragma', 'journal_mode=WAL'],
    ...searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    ...Object.entries(DYNAMIC_CONFIG).flatMap(([name, value]) => [
      '--dynamic-config-value',
      `${name}=${value}`,
    ]),
  ];
}
