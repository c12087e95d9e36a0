import type { ClickId } from '../../domain/click-id.js';
import { err, ok, type Result } from '../../domain/result.js';
import { within } from '../../infra/within.js';
import type { DecidedClick } from '../../operations/find-click.js';
import type { FieldFailure } from '../kit/problem.js';

/** Nobody's page waits for a look-up, but a shop's connection does. */
const ANSWER_WITHIN_MS = 1_000;
/** Also those that nobody waits for any more, until the database is done with them: it is not met by a flood. */
const MAX_UNDER_WAY = 100;

const UNAVAILABLE: FieldFailure = {
  code: 'dependency_unavailable',
  message: 'The click cannot be looked up right now.',
  nextStep: 'Ask again after Retry-After seconds. Its charge does not depend on this.',
  retryAfterSeconds: 1,
};

export type ClickLookup = (clickId: ClickId) => Promise<Result<DecidedClick | null, FieldFailure>>;

interface ClickLookupDeps {
  /** Null while the click is undecided, and for one that never was. Rejects, or hangs, when PostgreSQL is away. */
  readonly find: (clickId: ClickId) => Promise<DecidedClick | null>;
  readonly onError: (error: unknown) => void;
}

/** How clicks ended, out of PostgreSQL: bounded in time and number, whatever the database does. Never rejects. */
export function createClickLookup({ find, onError }: ClickLookupDeps): ClickLookup {
  let underWay = 0;
  return async (clickId) => {
    if (underWay >= MAX_UNDER_WAY) return err(UNAVAILABLE);
    underWay += 1;
    const found = find(clickId)
      .then(ok, (error: unknown) => {
        onError(error);
        return err(UNAVAILABLE);
      })
      .finally(() => {
        underWay -= 1;
      });
    return within(found, ANSWER_WITHIN_MS, err(UNAVAILABLE));
  };
}
