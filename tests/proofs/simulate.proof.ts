import { reconcile } from '../../operations/reconcile.js';
import { compareWithFold } from '../simulation/real-charges.js';
import { simulate } from '../simulation/simulate.js';
import type { Flaw } from '../simulation/store.js';
import { createTestDatabase } from '../support/database.js';
import type { Proof, ProofContext } from './proof.js';

const FLAWS: readonly Flaw[] = [
  'forgets_known_clicks',
  'offset_before_decision',
  'counts_refused_clicks',
  'splits_commit',
];
/** Each flaw must show within so many seeds; otherwise the simulation would be blind to it. */
const SEEDS_PER_FLAW = 100;
const SHOWN = 5;

export const proof: Proof = {
  name: 'simulate',
  proves:
    'whatever is dropped, repeated, reordered or lost between commit and reply, clicks are decided once, in order, to the won; and the real charge operation equals the pure fold row for row',
  params: { seeds: 1_000, batches: 150 },
  parts: ['postgres'],
  run,
};

async function run(context: ProofContext): Promise<void> {
  simulateAll(context);
  findFlaws(context);
  await compareRealOperation(context);
}

function simulateAll({ step, figure, check, number, seed }: ProofContext): void {
  step('A simulated shop, log, workers and store around the real rules');
  const startedAt = performance.now();
  const totals = { steps: 0, charged: 0, faults: 0 };
  const broken: string[] = [];
  let changedCourse = 0;
  for (let n = 0; n < number('seeds'); n += 1) {
    const run = simulate(seed + n);
    totals.steps += run.steps;
    totals.charged += run.charged;
    totals.faults += run.faults;
    if (run.violations.length > 0) broken.push(`seed ${seed + n}: ${run.violations[0]}`);
    if (n % 10 === 0 && simulate(seed + n).trace !== run.trace) changedCourse += 1;
  }
  figure(
    'seeds / steps / lost parts / charged clicks',
    `${number('seeds')} / ${totals.steps} / ${totals.faults} / ${totals.charged}`,
  );
  figure('seconds', ((performance.now() - startedAt) / 1_000).toFixed(1));
  check(
    'nothing lost, doubled, out of order or below zero; every won accounted for',
    broken.length === 0,
    broken.slice(0, SHOWN).join('; '),
  );
  check('the same seed takes the same course', changedCourse === 0);
  check('parts were lost on the way', totals.faults > number('seeds') * 10);
}

function findFlaws({ step, check, seed }: ProofContext): void {
  step('The same with a store or worker that is wrong on purpose');
  for (const flaw of FLAWS) {
    const seeds = Array.from({ length: SEEDS_PER_FLAW }, (_, n) => seed + n);
    const caught = seeds.filter((one) => simulate(one, flaw).violations.length > 0).length;
    check(`${flaw} is noticed`, caught > 0, `in ${caught} of ${SEEDS_PER_FLAW} seeds`);
  }
}

async function compareRealOperation({
  stack,
  step,
  figure,
  check,
  number,
  seed,
}: ProofContext): Promise<void> {
  step('The real charge operation on PostgreSQL beside the pure fold');
  Object.assign(process.env, stack.env);
  const db = await createTestDatabase({ connections: 1 });
  try {
    const startedAt = performance.now();
    const result = await compareWithFold(db.appPool, seed, number('batches'));
    figure('batches / clicks / charged', `${result.batches} / ${result.clicks} / ${result.charged}`);
    figure('seconds', ((performance.now() - startedAt) / 1_000).toFixed(1));
    check(
      'every row and balance is what the fold says',
      result.differences.length === 0,
      result.differences.slice(0, SHOWN).join('; '),
    );
    check('clicks were charged', result.charged > 0);
    const report = await reconcile(db.appPool);
    const broken = report.invariants.filter((invariant) => !invariant.ok);
    check('the books are clean', broken.length === 0, JSON.stringify(broken));
  } finally {
    await db.drop();
  }
}
