import type { Logger } from 'pino';

export interface Lane {
  /** Runs as soon as possible; once more when it is running already. */
  wake(): void;
  /** Waits for the run under way. */
  stop(): Promise<void>;
}

interface LaneOptions {
  readonly everyMs: number;
  readonly log: Logger;
  /** For the log: what did not get through. */
  readonly what: string;
}

/** Repeats one piece of work, never twice at a time, at a pace and on demand. A failure is logged once per outage. */
export function startLane(options: LaneOptions, work: () => Promise<void>): Lane {
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  let failing = false;

  const run = async () => {
    try {
      await work();
      if (failing) options.log.info(`${options.what}: works again`);
      failing = false;
    } catch (error) {
      if (!failing) options.log.warn({ error: String(error) }, `${options.what}: failed, trying again`);
      failing = true;
    }
  };
  const wake = () => {
    if (stopped) return;
    if (running !== null) {
      again = true;
      return;
    }
    running = run().finally(() => {
      running = null;
      if (!again) return;
      again = false;
      wake();
    });
  };
  const timer = setInterval(wake, options.everyMs);
  wake();
  return {
    wake,
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
