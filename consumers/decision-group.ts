import type { ClickDelivery } from './click-delivery.js';

interface Stages<D> {
  /** Most clicks of one transaction. */
  readonly maxClicks: number;
  /** Null: the worker is stopping, and nothing was promised. */
  decide(deliveries: readonly ClickDelivery[]): Promise<D | null>;
  /** False: the worker is stopping. */
  publish(deliveries: readonly ClickDelivery[], decided: D): Promise<boolean>;
}

export interface Submission {
  /** True when the clicks are in a transaction; false when they were dropped before. */
  readonly taken: Promise<boolean>;
  /** True when they are decided and published; false when they were dropped, or the worker is stopping. */
  readonly done: Promise<boolean>;
}

interface Waiting {
  readonly deliveries: readonly ClickDelivery[];
  take(taken: boolean): void;
  resolve(done: boolean): void;
  reject(error: unknown): void;
}

/**
 * Group commit. Partitions hand in their clicks whenever they have some; while one transaction runs, the next one
 * gathers. So the batch grows with the load by itself: one click alone waits for nobody, and a thousand a second
 * share a few dozen transactions. Publishing a group overlaps the next transaction, but groups are decided in the order
 * in which they came and published in the same order, and clicks of one partition keep theirs.
 */
export class DecisionGroup<D> {
  readonly #stages: Stages<D>;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  #publishing: Promise<void> = Promise.resolve();
  #decidingSince: number | null = null;
  #publishingSince: number | null = null;

  constructor(stages: Stages<D>) {
    this.#stages = stages;
  }

  submit(deliveries: readonly ClickDelivery[]): Submission {
    if (deliveries.length === 0) return { taken: Promise.resolve(true), done: Promise.resolve(true) };
    let take: Waiting['take'] = () => undefined;
    const taken = new Promise<boolean>((resolve) => {
      take = resolve;
    });
    const done = new Promise<boolean>((resolve, reject) => {
      this.#waiting.push({ deliveries, take, resolve, reject });
    });
    // After this turn: the partitions of one fetch hand in together.
    this.#running ??= new Promise((resolve) => setImmediate(() => resolve(this.#run())));
    return { taken, done };
  }

  /** Clicks that are in no transaction yet. */
  get waitingClicks(): number {
    return this.#waiting.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
  }

  /** What is in no transaction yet is given up: it will be delivered again. */
  dropWaiting(): void {
    for (const submission of this.#waiting.splice(0)) {
      submission.take(false);
      submission.resolve(false);
    }
  }

  /** How long the oldest step under way has been taking; 0 when there is none. */
  stuckMs(): number {
    const since = Math.min(this.#decidingSince ?? Infinity, this.#publishingSince ?? Infinity);
    return since === Infinity ? 0 : performance.now() - since;
  }

  /** Settles when nothing is decided or published any more. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
    await this.#publishing;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#runGroup(this.#take());
    this.#running = null;
  }

  async #runGroup(group: readonly Waiting[]): Promise<void> {
    for (const submission of group) submission.take(true);
    const deliveries = group.flatMap((submission) => submission.deliveries);
    try {
      this.#decidingSince = performance.now();
      const decided = await this.#stages.decide(deliveries);
      // One transaction and one append at a time: a hanging Kafka holds charging up, instead of filling the memory.
      await this.#publishing;
      if (decided === null) settle(group, false);
      else this.#publishing = this.#publish(group, deliveries, decided);
    } catch (error) {
      for (const submission of group) submission.reject(error);
    } finally {
      this.#decidingSince = null;
    }
  }

  async #publish(group: readonly Waiting[], deliveries: readonly ClickDelivery[], decided: D): Promise<void> {
    try {
      this.#publishingSince = performance.now();
      settle(group, await this.#stages.publish(deliveries, decided));
    } catch (error) {
      for (const submission of group) submission.reject(error);
    } finally {
      this.#publishingSince = null;
    }
  }

  /** At least one submission; more while they fit. */
  #take(): Waiting[] {
    let clicks = 0;
    let count = 0;
    for (const { deliveries } of this.#waiting) {
      if (count > 0 && clicks + deliveries.length > this.#stages.maxClicks) break;
      clicks += deliveries.length;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}

function settle(group: readonly Waiting[], done: boolean): void {
  for (const submission of group) submission.resolve(done);
}
