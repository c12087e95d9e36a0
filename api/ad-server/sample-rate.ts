/** Auctions told in full per second, about. */
const SAMPLES_PER_SECOND = 20;

/**
 * One auction of N, drawn by lot: N follows the traffic of the last second, and doubles at once when a burst takes
 * more than a second's share. A sample stands for the N that it was drawn with, so that sums are right on average
 * however N moves; counting to N instead would always meet the same page of a shop that asks its pages in turn.
 */
export class SampleRate {
  readonly #random: () => number;
  #every = 1;
  #seen = 0;
  #taken = 0;

  /** `random`: uniform in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** For how many auctions this one stands; 0 when it is not sampled. */
  take(): number {
    this.#seen += 1;
    const every = this.#every;
    if (every > 1 && this.#random() * every >= 1) return 0;
    this.#taken += 1;
    if (this.#taken >= SAMPLES_PER_SECOND) {
      this.#every *= 2;
      this.#taken = SAMPLES_PER_SECOND / 2;
    }
    return every;
  }

  /** Called with the time since the last call, about every second. */
  adapt(elapsedMs: number): void {
    const perSecond = (this.#seen * 1_000) / elapsedMs;
    this.#every = Math.max(1, Math.ceil(perSecond / SAMPLES_PER_SECOND));
    this.#seen = 0;
    this.#taken = 0;
  }
}
