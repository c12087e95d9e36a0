/** Some records of a partition that are being worked on. */
export interface OffsetTicket {
  readonly partition: number;
}

export interface PartitionOffset {
  readonly partition: number;
  /** The first record that is not done, as Kafka wants it. */
  readonly offset: string;
}

interface Ticket extends OffsetTicket {
  readonly lane: Lane;
  readonly lastOffset: bigint;
  isDone: boolean;
}

/** The records of one partition in the order of the log. */
interface Lane {
  open: Ticket[];
  /** The first record that is not done; 0: nothing is known yet. */
  next: bigint;
  committed: bigint;
}

/**
 * How far each partition is done. Records are begun in the order of the log and may be done in any order; an offset may
 * be committed up to the first record that is not done, never past it. A ticket from before `forget` or `abandon` changes
 * nothing any more: the records come again.
 */
export class ClickOffsets {
  #lanes = new Map<number, Lane>();

  begin(partition: number, lastOffset: string): OffsetTicket {
    const lane = this.#lanes.get(partition) ?? { open: [], next: 0n, committed: 0n };
    this.#lanes.set(partition, lane);
    const ticket: Ticket = { partition, lane, lastOffset: BigInt(lastOffset), isDone: false };
    lane.open.push(ticket);
    return ticket;
  }

  done(given: OffsetTicket): void {
    const ticket = this.#ticketOf(given);
    if (ticket === undefined) return;
    ticket.isDone = true;
    const { lane } = ticket;
    for (let first = lane.open[0]; first?.isDone; first = lane.open[0]) {
      // Records that were read twice never set it back.
      if (first.lastOffset >= lane.next) lane.next = first.lastOffset + 1n;
      lane.open.shift();
    }
  }

  /** What moved since the last commit. */
  uncommitted(): PartitionOffset[] {
    const moved: PartitionOffset[] = [];
    for (const [partition, { next, committed }] of this.#lanes) {
      if (next > committed) moved.push({ partition, offset: next.toString() });
    }
    return moved;
  }

  committed(offsets: readonly PartitionOffset[]): void {
    for (const { partition, offset } of offsets) {
      const lane = this.#lanes.get(partition);
      if (lane !== undefined) lane.committed = BigInt(offset);
    }
  }

  /** These records, and those behind them, will be read again. False when that was already so. */
  abandon(given: OffsetTicket): boolean {
    if (this.#ticketOf(given) === undefined) return false;
    this.#lanes.delete(given.partition);
    return true;
  }

  /** Partitions were given out anew: everything that is not committed comes again, here or elsewhere. */
  forget(): void {
    this.#lanes = new Map();
  }

  #ticketOf(given: OffsetTicket): Ticket | undefined {
    return this.#lanes.get(given.partition)?.open.find((ticket) => ticket === given);
  }
}
