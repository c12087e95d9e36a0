interface SetAside {
  /** True when all of them are written; false when the worker is stopping. */
  readonly done: Promise<boolean>;
  /** Settles when more may be read. */
  readonly room: Promise<void>;
}

/**
 * Records that nobody can read are written away one after the other, beside everything else: however many there are (a
 * version of the event that this worker does not know), they take one connection and leave the others to charging. Who
 * reads on waits only while more than `most` of them are held in memory.
 */
export class SetAsideQueue<R> {
  readonly #most: number;
  readonly #write: (record: R) => Promise<boolean>;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(most: number, write: (record: R) => Promise<boolean>) {
    this.#most = most;
    this.#write = write;
  }

  add(records: readonly R[]): SetAside {
    if (records.length === 0) return { done: Promise.resolve(true), room: Promise.resolve() };
    this.#waiting += records.length;
    const done = this.#last.then(() => this.#writeAll(records));
    this.#last = done.catch(() => undefined);
    const room = this.#waiting <= this.#most ? Promise.resolve() : this.#last.then(() => undefined);
    return { done, room };
  }

  async #writeAll(records: readonly R[]): Promise<boolean> {
    try {
      for (const record of records) if (!(await this.#write(record))) return false;
      return true;
    } finally {
      this.#waiting -= records.length;
    }
  }
}
