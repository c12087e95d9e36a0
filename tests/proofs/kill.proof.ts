import { setTimeout as delay } from 'node:timers/promises';
import { DEMO } from '../../contracts/demo.js';
import { type ClickLoad, startClickLoad } from '../support/click-load.js';
import { standardQueries } from '../support/demo.js';
import { reconcileReport, runMain } from '../support/main-command.js';
import { poll, quantile } from '../support/poll.js';
import { connectShop, type Shop } from '../support/shop.js';
import type { Proof, ProofContext } from './proof.js';

const VICTIMS = [
  'ad-server',
  'balance-worker',
  'redis',
  'background',
  'back-office',
  'postgres',
  'kafka',
  'temporal',
  'flink',
] as const;

const BACK_WITHIN_MS = 120_000;
const LOAD_BETWEEN_KILLS_MS = 3_000;

export const proof: Proof = {
  name: 'kill',
  proves:
    'each process and component, killed with SIGKILL under load, comes back; no click is lost or charged twice',
  params: { process: 'any', 'per-second': 40 },
  run,
};

async function run(context: ProofContext): Promise<void> {
  const { stack, check, step, figure } = context;
  step('A shop under load');
  const seeded = await runMain(stack.env, ['seed', '--campaigns-per-seller', '1', '--sellers', '16']);
  check('the seed runs through the ordinary operations', seeded.exitCode === 0, seeded.stderr.slice(0, 500));
  const shop = connectShop(`http://127.0.0.1:${stack.ports.adServer}`, DEMO.shopApiKey);
  const load = startClickLoad({
    shop,
    perSecond: context.number('per-second'),
    random: context.random,
    queries: standardQueries(),
    redeliveredShare: 0.1,
  });
  await poll('clicks are charged', async () => load.latenciesMs.length > 20, 60_000);

  const chosen = context.text('process');
  const victims = chosen === 'any' ? shuffled(VICTIMS, context.random) : [chosen];
  for (const victim of victims) await killOne(context, victim, load);

  step('After the load');
  await load.stop();
  figure('clicks sent', load.clicks.length);
  figure('answers with an outcome at once', load.clicks.filter((click) => click.outcomes.length > 0).length);
  figure(
    'click p50 / p99 ms, kills included',
    `${quantile(load.latenciesMs, 0.5).toFixed(1)} / ${quantile(load.latenciesMs, 0.99).toFixed(1)}`,
  );
  for (const [what, times] of [...load.failures].sort()) figure(`answered ${what}`, times);
  await checkOutcomes(context, shop, load);
  const report = await reconcileReport(stack.env);
  for (const invariant of report.invariants) {
    check(`${invariant.id} ${invariant.title}`, invariant.ok, JSON.stringify(invariant.figures));
  }
}

async function killOne(context: ProofContext, victim: string, load: ClickLoad): Promise<void> {
  const { stack, check, step } = context;
  step(`SIGKILL ${victim}`);
  const before = stack.pidOf(victim);
  const killedAt = Date.now();
  stack.kill(victim, 'SIGKILL');
  await poll(
    `${victim} is another process`,
    async () => otherProcess(context, victim, before),
    BACK_WITHIN_MS,
  );
  await stack.waitReady(victim, BACK_WITHIN_MS);
  check(`${victim} is back and ready`, true, `${((Date.now() - killedAt) / 1000).toFixed(1)} s`);
  for (const part of ['ad-server', 'balance-worker', 'background', 'back-office']) {
    await stack.waitReady(part, BACK_WITHIN_MS);
  }
  const seen = load.latenciesMs.length;
  await poll('clicks are answered again', async () => load.latenciesMs.length > seen + 10, BACK_WITHIN_MS);
  check(
    'the whole system is ready and clicks are answered',
    true,
    `${((Date.now() - killedAt) / 1000).toFixed(1)} s after the kill`,
  );
  await delay(LOAD_BETWEEN_KILLS_MS);
}

async function otherProcess(context: ProofContext, victim: string, before: number): Promise<boolean> {
  const status = context.stack.parts().find((part) => part.part === victim);
  return status?.pid !== undefined && status.pid !== before;
}

/** Every promise was kept: decided exactly once, and each later answer repeats the first one. */
async function checkOutcomes({ check, figure }: ProofContext, shop: Shop, load: ClickLoad): Promise<void> {
  const promised = load.clicks.filter((click) => click.promised);
  let undecided = 0;
  let changed = 0;
  let charged = 0;
  for (const click of promised) {
    const clickId = click.clickId ?? '';
    const status = await poll(
      `click ${clickId} is decided`,
      async () => {
        const answer = await shop.clickStatus(clickId);
        return answer.status === 200 && answer.body.outcome !== 'accepted' ? answer.body : null;
      },
      30_000,
    ).catch(() => null);
    if (status === null) {
      undecided += 1;
      continue;
    }
    if (status.outcome === 'charged') charged += 1;
    const final = `${status.outcome}:${status.reason ?? ''}:${status.chargedCpcKrw ?? 0}`;
    if (click.outcomes.some((outcome) => outcome !== final)) changed += 1;
  }
  figure('clicks promised / charged', `${promised.length} / ${charged}`);
  check('every promised click is decided', undecided === 0, `${undecided} undecided of ${promised.length}`);
  check('no answer ever changed', changed === 0, `${changed} changed`);
  check('clicks were charged', charged > 0);
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    const [a, b] = [result[index], result[other]];
    if (a !== undefined && b !== undefined) [result[index], result[other]] = [b, a];
  }
  return result;
}
