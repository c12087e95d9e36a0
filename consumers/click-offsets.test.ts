import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClickOffsets, type OffsetTicket } from './click-offsets.js';

/** Tickets for records 0–9, 10–19, … of one reading. */
const tens = (offsets: ClickOffsets, partition: number, count: number): OffsetTicket[] => {
  const reading = offsets.reading(partition);
  return Array.from({ length: count }, (_, n) => reading.begin(`${n * 10}`, `${n * 10 + 9}`));
};
const done = (...tickets: (OffsetTicket | undefined)[]) => {
  for (const ticket of tickets) {
    if (!ticket) throw new Error('no such ticket');
    ticket.reading.done(ticket);
  }
};

test('an offset is committed up to the first record that is not done, once', () => {
  const offsets = new ClickOffsets();
  const [a, b, c] = tens(offsets, 3, 3);
  done(b, c);
  expect(offsets.uncommitted()).toEqual([]);
  done(a);
  const moved = offsets.uncommitted();
  expect(moved).toEqual([{ partition: 3, offset: '30' }]);
  offsets.committed(moved);
  expect(offsets.uncommitted()).toEqual([]);
});

test('records of an earlier ownership of the partition move nothing, even those that are begun afterwards', () => {
  const offsets = new ClickOffsets();
  const earlier = offsets.reading(0);
  const [before] = [earlier.begin('0', '99')];
  offsets.forget();
  expect(offsets.isCurrent(earlier)).toBe(false);
  // The partition stayed here: its new reading must not be moved by what the earlier one still hands in.
  const again = offsets.reading(0).begin('0', '49');
  const late = earlier.begin('100', '199');
  done(before, late);
  expect(offsets.uncommitted()).toEqual([]);
  done(again);
  expect(offsets.uncommitted()).toEqual([{ partition: 0, offset: '50' }]);
});

test('records that failed hold back all behind them, until they are read again', () => {
  const offsets = new ClickOffsets();
  const [failed, behind] = tens(offsets, 0, 2);
  if (!failed || !behind) throw new Error('two tickets');
  expect(offsets.abandon(failed)).toBe('0');
  expect(offsets.abandon(behind)).toBeNull();
  done(behind);
  expect(offsets.uncommitted()).toEqual([]);
});

test('what stands before records that failed is read again too, unless it is done', () => {
  const offsets = new ClickOffsets();
  const [first, second, failed] = tens(offsets, 0, 3);
  if (!failed) throw new Error('three tickets');
  done(first);
  expect(offsets.abandon(failed)).toBe('10');
  // Read again from there: nothing is committed past the second before it is done.
  const reading = offsets.reading(0);
  const [secondAgain, failedAgain] = [reading.begin('10', '19'), reading.begin('20', '29')];
  done(failedAgain, second);
  expect(offsets.uncommitted()).toEqual([]);
  done(secondAgain);
  expect(offsets.uncommitted()).toEqual([{ partition: 0, offset: '30' }]);
});

test('read twice never goes back', () => {
  const offsets = new ClickOffsets();
  const reading = offsets.reading(0);
  const tickets = ['99', '49', '120'].map((last) => reading.begin('0', last));
  const seen: string[] = [];
  for (const ticket of tickets) {
    done(ticket);
    seen.push(offsets.uncommitted()[0]?.offset ?? '');
  }
  expect(seen).toEqual(['100', '100', '121']);
});

test('whatever order records are done in, nothing before the offset is open', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 0 }), (order) => {
      const offsets = new ClickOffsets();
      const reading = offsets.reading(0);
      const tickets = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => reading.begin(String(n), String(n)));
      const finished = new Set<number>();
      for (const n of order) {
        done(tickets[n]);
        finished.add(n);
        const next = Number(offsets.uncommitted()[0]?.offset ?? 0);
        let firstOpen = 0;
        while (finished.has(firstOpen)) firstOpen += 1;
        expect(next).toBe(firstOpen);
      }
    }),
  );
});

/** A worker on one partition: reads on, finishes or fails what it reads, loses and gets the partition, commits. */
class Reader {
  readonly offsets = new ClickOffsets();
  readonly working: OffsetTicket[] = [];
  readonly finished = new Set<number>();
  position = 0;
  committed = 0;

  read(count: number): void {
    const [first, last] = [this.position, this.position + count - 1];
    this.working.push(this.offsets.reading(0).begin(String(first), String(last)));
    this.position += count;
  }

  finish(which: number): void {
    const [ticket] = this.working.splice(which % this.working.length, 1);
    if (!ticket) return;
    for (let at = ticket.firstOffset; at <= ticket.lastOffset; at += 1n) this.finished.add(Number(at));
    ticket.reading.done(ticket);
  }

  fail(which: number): void {
    const [ticket] = this.working.splice(which % this.working.length, 1);
    const again = ticket ? this.offsets.abandon(ticket) : null;
    if (again !== null) this.position = Number(again);
  }

  move(): void {
    this.offsets.forget();
    this.position = this.committed;
  }

  commit(): void {
    const moved = this.offsets.uncommitted();
    this.committed = Number(moved[0]?.offset ?? this.committed);
    this.offsets.committed(moved);
  }

  /** Records that were read, are not done, and that nobody will do or read again. */
  lost(): number[] {
    const held = this.working.filter(({ reading }) => this.offsets.isCurrent(reading));
    return Array.from({ length: this.position }, (_, at) => at).filter(
      (at) =>
        !this.finished.has(at) &&
        !held.some(({ firstOffset, lastOffset }) => firstOffset <= at && at <= lastOffset),
    );
  }
}

test('through failures, repeats and moves no record is lost, and what is committed was done', () => {
  const steps = fc.array(
    fc.oneof(
      fc.nat(3).map((n) => (reader: Reader) => reader.read(n + 1)),
      fc.nat(9).map((n) => (reader: Reader) => reader.finish(n)),
      fc.nat(9).map((n) => (reader: Reader) => reader.fail(n)),
      fc.constant((reader: Reader) => reader.move()),
      fc.constant((reader: Reader) => reader.commit()),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (taken) => {
      const reader = new Reader();
      for (const step of taken) {
        step(reader);
        expect(reader.lost()).toEqual([]);
        for (let at = 0; at < reader.committed; at += 1) expect(reader.finished.has(at)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
