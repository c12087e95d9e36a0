import type { Logger } from 'pino';
import type { JobManagerClient } from './job-manager-client.js';

/** What the operators of a job count, summed over all of them, since the job started or restarted. */
export interface StatementFigures {
  /** Rows that came behind their watermark and were left out. */
  readonly lateRecords: number;
  /** Records that the match set aside, to be looked at: dead letters. Read again after a restart, they count again. */
  readonly setAsideRecords: number;
  /** Rows that PostgreSQL does not take. They stand aside and are tried again. */
  readonly refusedRows: number;
  /** Rows that PostgreSQL has not confirmed yet. */
  readonly waitingRows: number;
  /** Keys that Redis has not confirmed yet. */
  readonly waitingKeys: number;
  /** Records in the log that the sources have not read. Missing until a source has read something. */
  readonly lagRecords: number | undefined;
  /** Event time of the slowest source: everything before it is computed. Missing without event time. */
  readonly watermarkMs: number | undefined;
}

/** As often as Flink itself collects figures from its TaskManagers, unless it is told otherwise. */
const READ_EVERY_MS = 10_000;
/** Figure -> how Flink, or our sink, calls it. */
const NAMES = {
  lateRecords: 'numLateRecordsDropped',
  setAsideRecords: 'takenRows_match_set_aside',
  refusedRows: 'refusedRows',
  waitingRows: 'waitingRows',
  waitingKeys: 'waitingKeys',
  lagRecords: 'pendingRecords',
  watermarkMs: 'currentOutputWatermark',
} as const;

/** Reads the figures of one statement, seldom, and warns when rows were lost or refused. */
export class FiguresReader {
  private newest: { jobId: string; atMs: number; figures: StatementFigures } | undefined;

  constructor(
    private readonly statement: string,
    private readonly jobManager: JobManagerClient,
    private readonly log: Logger,
  ) {}

  /** The newest figures of this job. Never throws: a figure is no reason to call a running statement broken. */
  async read(jobId: string): Promise<StatementFigures | undefined> {
    const before = this.newest?.jobId === jobId ? this.newest : undefined;
    if (before !== undefined && Date.now() - before.atMs < READ_EVERY_MS) return before.figures;
    try {
      const figures = await readFigures(this.jobManager, jobId);
      this.newest = { jobId, atMs: Date.now(), figures };
      this.warn(figures, before?.figures);
      return figures;
    } catch (error) {
      this.log.debug({ statement: this.statement, jobId, err: error }, 'no figures of the statement');
      return before?.figures;
    }
  }

  private warn(now: StatementFigures, before: StatementFigures | undefined): void {
    const line = { statement: this.statement, ...now };
    if (rise(now.lateRecords, before?.lateRecords) > 0)
      this.log.warn(line, 'rows came behind their watermark and were left out');
    if (rise(now.refusedRows, before?.refusedRows) > 0)
      this.log.error(
        line,
        'PostgreSQL refuses rows of the statement: the TaskManager’s log says which and why',
      );
  }
}

/** Asks the JobManager once. Throws when it cannot be reached. */
export async function readFigures(jobManager: JobManagerClient, jobId: string): Promise<StatementFigures> {
  const { sums, least } = await jobManager.operatorFigures(jobId, Object.values(NAMES));
  return {
    lateRecords: sums[NAMES.lateRecords] ?? 0,
    setAsideRecords: sums[NAMES.setAsideRecords] ?? 0,
    refusedRows: sums[NAMES.refusedRows] ?? 0,
    waitingRows: sums[NAMES.waitingRows] ?? 0,
    waitingKeys: sums[NAMES.waitingKeys] ?? 0,
    lagRecords: sums[NAMES.lagRecords],
    watermarkMs: least[NAMES.watermarkMs],
  };
}

/** A job that restarted counts from zero again. */
export function rise(now: number, before = 0): number {
  return now >= before ? now - before : now;
}
