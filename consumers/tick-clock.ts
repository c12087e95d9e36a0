/**
 * How long a tick keeps the old time after the business clock was moved. Each process has its own copy of the clock
 * and reads it every second: a tick with the new time would make the events of a slower one late, and Flink drops
 * late events.
 */
const HOLD_MS = 3_000;
/** Differences below this are the time between two readings, not a move. */
const JITTER_MS = 100;

/**
 * The clock of CLOCK_TICK: business time as it was known `HOLD_MS` ago, plus real time since. A clock that goes on
 * without moves is followed exactly. It never runs ahead of `businessNow`.
 */
export function createTickClock(businessNow: () => number, realNow: () => number = Date.now): () => number {
  let held = businessNow() - realNow();
  /** Moves that were seen and are not taken yet, oldest first. */
  let moves: { readonly offsetMs: number; readonly seenAt: number }[] = [];

  return () => {
    const business = businessNow();
    const real = realNow();
    const newest = moves.at(-1)?.offsetMs ?? held;
    const offsetMs = business - real;
    if (Math.abs(offsetMs - newest) > JITTER_MS) moves.push({ offsetMs, seenAt: real });
    const due = moves.filter((move) => real - move.seenAt >= HOLD_MS);
    held = due.at(-1)?.offsetMs ?? held;
    moves = moves.slice(due.length);
    return Math.min(real + held, business);
  };
}
