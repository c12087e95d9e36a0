import { openPool } from '../infra/postgres.js';
import { reconcile } from '../operations/reconcile.js';
import type { ProcessContext } from './process.js';

/** Prints every invariant with its figures. Exit code 1 when one is broken. `--json` for machines. */
export async function runReconcile({ config }: ProcessContext, args: readonly string[]): Promise<number> {
  const pool = openPool({ connectionString: config.DATABASE_URL, max: 2, applicationName: 'reconcile' });
  try {
    const { invariants } = await reconcile(pool);
    const broken = invariants.filter((invariant) => !invariant.ok);
    if (args.includes('--json')) {
      process.stdout.write(`${JSON.stringify({ ok: broken.length === 0, invariants }, null, 2)}\n`);
    } else {
      for (const { id, title, ok, figures } of invariants) {
        const numbers = Object.entries(figures)
          .map(([name, value]) => `${name}=${String(value)}`)
          .join(' ');
        process.stdout.write(
          `${ok ? 'ok    ' : 'BROKEN'} ${id.padEnd(5)} ${title}\n              ${numbers}\n`,
        );
      }
      process.stdout.write(
        broken.length === 0 ? 'RECONCILED\n' : `NOT RECONCILED: ${broken.length} broken\n`,
      );
    }
    return broken.length === 0 ? 0 : 1;
  } finally {
    await pool.end();
  }
}
