/**
 * Expected outcomes are values. A throw means a bug or an outage.
 * `code` is stable, lower-snake-case, and mapped to HTTP in one place (`api/problem.ts`).
 */
export type Result<T, E extends Failure = Failure> = Ok<T> | Err<E>;
export interface Ok<T> {
  readonly ok: true;
  readonly value: T;
}
export interface Err<E extends Failure> {
  readonly ok: false;
  readonly error: E;
}
export interface Failure {
  readonly code: string;
  /** One sentence for a person: what is wrong. */
  readonly message: string;
  /** One sentence for a person: what to do next. */
  readonly nextStep?: string;
  /** JSON pointer or name of the offending input field. */
  readonly field?: string;
}

export const ok = <T>(value: T): Ok<T> => ({ ok: true, value });
export const err = <E extends Failure>(error: E): Err<E> => ({ ok: false, error });

/** Compile-time proof that a switch is exhaustive; a run-time bug report otherwise. */
export function assertNever(value: never, what = 'value'): never {
  throw new Error(`unexpected ${what}: ${JSON.stringify(value)}`);
}

/** A broken internal promise is a bug: stop here rather than write a wrong row. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}
