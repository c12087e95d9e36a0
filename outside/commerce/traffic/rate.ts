/**
 * Requests per second with a small burst. `reserve` takes the next place and says how long to wait for it, so that
 * nobody has to ask again; a place that is taken without waiting (a repeated report) delays those who come after.
 */
export class RequestRate {
  private places: number;
  private filledAt: number;

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.places = burst;
    this.filledAt = now();
  }

  /** Milliseconds until the place that was taken. */
  reserve(): number {
    const now = this.now();
    const gained = ((now - this.filledAt) / 1_000) * this.perSecond;
    this.filledAt = now;
    this.places = Math.min(this.burst, this.places + gained) - 1;
    return Math.max(0, (-this.places / this.perSecond) * 1_000);
  }
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** While the ad system is away the shop stays quiet: one second, then twice as long each time, 30 s at most. */
export class BackOff {
  private pauseMs = 0;
  private until = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Failures during a pause belong to the same outage. */
  failed(): void {
    const now = this.now();
    if (now < this.until) return;
    this.pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, this.pauseMs * 2));
    this.until = now + this.pauseMs;
  }

  /** An answer that was still on its way when the outage began does not end the pause. */
  answered(): void {
    if (this.remainingMs() === 0) this.pauseMs = 0;
  }

  remainingMs(): number {
    return Math.max(0, this.until - this.now());
  }
}
