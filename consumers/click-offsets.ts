/** Some records of a reading that are being worked on. */
export interface OffsetTicket {
  readonly reading: Reading;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  isDone: boolean;
}

export interface PartitionOffset {
  readonly partition: number;
  /** The first record that is not done, as Kafka wants it. */
  readonly offset: string;
}

/** One pass over a partition. It ends when partitions are given out anew, or when records have to be read again. */
export class Reading {
  /** In the order in which they were begun. */
  #open: OffsetTicket[] = [];
  /** The first record that is not done; 0: nothing is known yet. */
  #next = 0n;
  #committed = 0n;

  constructor(readonly partition: number) {}

  begin(firstOffset: string, lastOffset: string): OffsetTicket {
    const ticket = {
      reading: this,
      firstOffset: BigInt(firstOffset),
      lastOffset: BigInt(lastOffset),
      isDone: false,
    };
    this.#open.push(ticket);
    return ticket;
  }

  done(ticket: OffsetTicket): void {
    ticket.isDone = true;
    for (let first = this.#open[0]; first?.isDone; first = this.#open[0]) {
      // Records that were read twice never set it back.
      if (first.lastOffset >= this.#next) this.#next = first.lastOffset + 1n;
      this.#open.shift();
    }
  }

  /** The first record that is begun and not done. */
  firstOpen(): bigint | null {
    return this.#open.reduce<bigint | null>(
      (first, { firstOffset }) => (first === null || firstOffset < first ? firstOffset : first),
      null,
    );
  }

  uncommitted(): PartitionOffset | null {
    return this.#next > this.#committed ? { partition: this.partition, offset: this.#next.toString() } : null;
  }

  committed(offset: string): void {
    this.#committed = BigInt(offset);
  }
}

/**
 * How far each partition is done. Records are begun in the order of the log and may be done in any order; an offset may
 * be committed up to the first record that is not done, never past it. What belongs to a reading that has ended changes
 * nothing any more: its records come again.
 */
export class ClickOffsets {
  #readings = new Map<number, Reading>();

  /** The present reading of this partition. Whoever waits in the middle of one asks `isCurrent` afterwards. */
  reading(partition: number): Reading {
    const reading = this.#readings.get(partition) ?? new Reading(partition);
    this.#readings.set(partition, reading);
    return reading;
  }

  isCurrent(reading: Reading): boolean {
    return this.#readings.get(reading.partition) === reading;
  }

  /** What moved since the last commit. */
  uncommitted(): PartitionOffset[] {
    return [...this.#readings.values()].flatMap((reading) => reading.uncommitted() ?? []);
  }

  committed(offsets: readonly PartitionOffset[]): void {
    for (const { partition, offset } of offsets) this.#readings.get(partition)?.committed(offset);
  }

  /**
   * These records failed. Ends their reading and tells from where to read again: the first record that is not done, which
   * may lie before them. Null when that reading has ended already.
   */
  abandon({ reading, firstOffset }: OffsetTicket): string | null {
    if (!this.isCurrent(reading)) return null;
    this.#readings.delete(reading.partition);
    return (reading.firstOpen() ?? firstOffset).toString();
  }

  /** Partitions were given out anew: everything that is not committed comes again, here or elsewhere. */
  forget(): void {
    this.#readings = new Map();
  }
}
