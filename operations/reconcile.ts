import { type DatabasePool, withTransaction } from '../infra/postgres.js';
import { type InvariantQuery, RECONCILE_QUERIES } from './reconcile-queries.js';

export interface Invariant {
  readonly id: string;
  readonly title: string;
  readonly ok: boolean;
  /** Numbers that prove it: what was looked at, and how many rows are wrong (`wrong...`). */
  readonly figures: Readonly<Record<string, number>>;
}

export interface Reconciliation {
  readonly invariants: readonly Invariant[];
}

/**
 * Checks every invariant that the database alone can prove, in one snapshot, while business goes on. A figure whose
 * name begins with `wrong` must be zero; what was looked at stands beside it, so that "nothing wrong" is never
 * "nothing looked at" in disguise.
 */
export async function reconcile(pool: DatabasePool): Promise<Reconciliation> {
  return withTransaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const invariants: Invariant[] = [];
    for (const query of RECONCILE_QUERIES) {
      const { rows } = await client.query<Record<string, number>>(query.sql);
      invariants.push(judge(query, rows[0] ?? {}));
    }
    return { invariants };
  });
}

function judge({ id, title }: InvariantQuery, figures: Record<string, number>): Invariant {
  const wrong = Object.entries(figures).filter(([name]) => name.startsWith('wrong'));
  const ok = wrong.length > 0 && wrong.every(([, count]) => count === 0);
  return { id, title, ok, figures };
}
