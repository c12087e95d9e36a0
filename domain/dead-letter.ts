export type DeadLetterState = 'waiting' | 'replayed' | 'resolved';

/** Where a record that was set aside stands. `replayed`: appended again since it failed last, and not heard of yet. */
export function deadLetterStatusOf(letter: {
  readonly failedAt: Date;
  readonly replayedAt: Date | null;
  readonly resolvedAt: Date | null;
}): DeadLetterState {
  if (letter.resolvedAt !== null) return 'resolved';
  return letter.replayedAt !== null && letter.replayedAt >= letter.failedAt ? 'replayed' : 'waiting';
}
