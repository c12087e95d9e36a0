import type { ClickDelivery } from './click-delivery.js';

interface Submission {
  readonly deliveries: readonly ClickDelivery[];
  resolve(done: boolean): void;
  reject(error: unknown): void;
}

/**
 * Group commit. Partitions hand in their clicks whenever they have some; while one transaction runs, the next one
 * gathers. So the batch grows with the load by itself: one click alone waits for nobody, and a thousand a second
 * share a few dozen transactions. Clicks of one partition stay in order, because a partition hands in its next
 * ones only when these are done.
 */
export class DecisionGroup {
  readonly #decide: (deliveries: readonly ClickDelivery[]) => Promise<boolean>;
  readonly #maxClicks: number;
  #waiting: Submission[] = [];
  #running = false;
  #groupStartedAt: number | null = null;

  /** `decide` says false when the worker is stopping and nothing was promised. */
  constructor(decide: (deliveries: readonly ClickDelivery[]) => Promise<boolean>, maxClicks: number) {
    this.#decide = decide;
    this.#maxClicks = maxClicks;
  }

  /** Settles when these clicks are decided and published; false when the worker is stopping. */
  submit(deliveries: readonly ClickDelivery[]): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ deliveries, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      // After this turn: the partitions of one fetch hand in together.
      setImmediate(() => void this.#run());
    });
  }

  /** How long the group under way has been waiting for its decision; 0 when there is none. */
  stuckMs(): number {
    return this.#groupStartedAt === null ? 0 : performance.now() - this.#groupStartedAt;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#take();
      this.#groupStartedAt = performance.now();
      try {
        const done = await this.#decide(group.flatMap((submission) => submission.deliveries));
        for (const submission of group) submission.resolve(done);
      } catch (error) {
        for (const submission of group) submission.reject(error);
      }
      this.#groupStartedAt = null;
    }
    this.#running = false;
  }

  /** At least one submission; more while they fit. */
  #take(): Submission[] {
    let clicks = 0;
    let count = 0;
    for (const { deliveries } of this.#waiting) {
      if (count > 0 && clicks + deliveries.length > this.#maxClicks) break;
      clicks += deliveries.length;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}
