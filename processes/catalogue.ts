import type { ProcessContext, StartProcess } from './process.js';

/**
 * Everything that runs, in start order. Loaded on demand, so that the ad server never loads Temporal.
 * Stop order is the reverse.
 */
export const PROCESSES = {
  'balance-worker': async () => (await import('./balance-worker.js')).startBalanceWorker,
  'budget-monitor': async () => (await import('./budget-monitor.js')).startBudgetMonitor,
  'flink-deployer': async () => (await import('./flink-deployer.js')).startFlinkDeployer,
  'temporal-worker': async () => (await import('./temporal-worker.js')).startTemporalWorker,
  'console-api': async () => (await import('./console-api.js')).startConsoleApi,
  'ad-server': async () => (await import('./ad-server.js')).startAdServer,
  outside: async () => (await import('./outside.js')).startOutside,
} as const satisfies Record<string, () => Promise<StartProcess>>;

export type ProcessName = keyof typeof PROCESSES;

/** A command runs once and answers with the exit code. */
export type OneShot = (context: ProcessContext, args: readonly string[]) => Promise<number>;

export const ONE_SHOTS: Readonly<Record<string, OneShot>> = {
  migrate: async (context) => (await import('./migrate.js')).migrate(context),
  seed: async (...call) => (await import('./seed.js')).seed(...call),
  'advance-clock': async (...call) => (await import('./advance-clock.js')).advanceClock(...call),
  settle: async (...call) => (await import('./settle.js')).settle(...call),
  invoice: async (...call) => (await import('./invoice-month.js')).invoiceMonth(...call),
  generate: async () => (await import('./generate.js')).generate(),
  'dead-letters': async (...call) => (await import('./dead-letters.js')).deadLetters(...call),
  flink: async (...call) => (await import('./flink-command.js')).flinkCommand(...call),
  reconcile: async (...call) => (await import('./reconcile.js')).runReconcile(...call),
};
