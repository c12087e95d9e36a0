import type { Logger } from 'pino';
import type { Config } from '../infra/config.js';
import type { Metrics } from '../infra/metrics.js';

/** What every process is given. Each opens its own connections and closes them in `stop`. */
export interface ProcessContext {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface Readiness {
  readonly ok: boolean;
  /** Part -> what is wrong or how it is; shown by /readyz. */
  readonly detail: Record<string, unknown>;
}

export interface RunningProcess {
  readonly name: string;
  ready(): Promise<Readiness>;
  /** Drains: stop taking work, finish what was taken, close. Called once. */
  stop(): Promise<void>;
}

export type StartProcess = (context: ProcessContext) => Promise<RunningProcess>;
