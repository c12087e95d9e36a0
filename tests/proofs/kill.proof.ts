import { setTimeout as delay } from 'node:timers/promises';
import { DEMO } from '../../contracts/demo.js';
import { type ClickLoad, isAllowed, startClickLoad } from '../support/click-load.js';
import { standardQueries } from '../support/demo.js';
import { BACK_WITHIN_MS, everythingReady, killAndAwait } from '../support/kill-part.js';
import { reconcileReport, runMain } from '../support/main-command.js';
import { poll, quantile } from '../support/poll.js';
import { connectShop, type Shop } from '../support/shop.js';
import { shuffled } from '../support/shuffled.js';
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

const LOAD_BETWEEN_KILLS_MS = 3_000;
/** For all promised clicks together. */
const DECIDED_WITHIN_MS = 60_000;
const SHOWN = 10;
const NOTHING = 'nothing';

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
  const phase = { down: NOTHING };
  const load = startClickLoad({
    shop,
    perSecond: context.number('per-second'),
    random: context.random,
    queries: standardQueries(),
    redeliveredShare: 0.1,
    during: () => phase.down,
  });
  try {
    await poll('clicks are charged', async () => load.latenciesMs.length > 20, 60_000);
    const chosen = context.text('process');
    const victims = chosen === 'any' ? shuffled(VICTIMS, context.random) : [chosen];
    for (const victim of victims) await killOne(context, victim, load, phase);
  } finally {
    // A failed step must not leave a load that knocks at a stopped stack for ever.
    await load.stop();
  }
  step('After the load');
  figure('clicks sent', load.clicks.length);
  figure('answers with an outcome at once', load.clicks.filter((click) => click.outcomes.length > 0).length);
  figure(
    'click p50 / p99 ms, kills included',
    `${quantile(load.latenciesMs, 0.5).toFixed(1)} / ${quantile(load.latenciesMs, 0.99).toFixed(1)}`,
  );
  checkAnswers(context, load);
  await checkOutcomes(context, shop, load);
  const report = await reconcileReport(stack.env);
  for (const invariant of report.invariants) {
    check(`${invariant.id} ${invariant.title}`, invariant.ok, JSON.stringify(invariant.figures));
  }
}

/** Refusing a click is losing it, so every one must be promised in the end, and nothing but an outage may delay it. */
function checkAnswers({ check, figure }: ProofContext, load: ClickLoad): void {
  for (const [reason, times] of [...load.noFills].sort()) figure(`answered without ads (${reason})`, times);
  const failures = [...load.failures].sort().map(([, failure]) => failure);
  for (const failure of failures) {
    const { path, during, what, times } = failure;
    figure(`${isAllowed(failure) ? 'retried' : 'REFUSED'} ${path}: ${what}, down: ${during}`, times);
  }
  const isClickFailure = (failure: (typeof failures)[number]) => failure.path === 'click';
  const wrong = failures.filter((failure) => !isAllowed(failure));
  const wrongClicks = wrong.filter(isClickFailure);
  const wrongAds = wrong.filter((failure) => !isClickFailure(failure));
  const list = (some: typeof wrong) =>
    some.map(({ what, during, times }) => `${times} x ${what}, down: ${during}`).join('; ');
  check(
    'clicks met nothing but broken connections, time-outs, 502 and 503',
    wrongClicks.length === 0,
    list(wrongClicks),
  );
  check(
    'queries met nothing but broken connections and time-outs, and 502 and 503 of a restarting ad server',
    wrongAds.length === 0,
    list(wrongAds),
  );
  const open = load.clicks.filter((click) => !click.promised);
  for (const { adId, clickedAt, attempts, lastFailure } of open.slice(0, SHOWN))
    figure(`never promised: ad ${adId}, clicked ${clickedAt}`, `${attempts} attempts, last ${lastFailure}`);
  check(
    'every click that got a token was promised (200 or 202) in the end',
    load.clicks.length > 0 && open.length === 0,
    `${open.length} refused of ${load.clicks.length}`,
  );
}

async function killOne(
  context: ProofContext,
  victim: string,
  load: ClickLoad,
  phase: { down: string },
): Promise<void> {
  const { stack, check, step } = context;
  step(`SIGKILL ${victim}`);
  const killedAt = Date.now();
  phase.down = victim;
  await killAndAwait(stack, victim);
  check(`${victim} is back and ready`, true, `${((Date.now() - killedAt) / 1000).toFixed(1)} s`);
  await everythingReady(stack);
  const seen = load.latenciesMs.length;
  await poll('clicks are answered again', async () => load.latenciesMs.length > seen + 10, BACK_WITHIN_MS);
  phase.down = NOTHING;
  check(
    'the whole system is ready and clicks are answered',
    true,
    `${((Date.now() - killedAt) / 1000).toFixed(1)} s after the kill`,
  );
  await delay(LOAD_BETWEEN_KILLS_MS);
}

/** Every promise was kept: decided exactly once, and each later answer repeats the first one. */
async function checkOutcomes({ check, figure }: ProofContext, shop: Shop, load: ClickLoad): Promise<void> {
  const promised = load.clicks.filter((click) => click.promised);
  let undecided = 0;
  let changed = 0;
  let charged = 0;
  const decidedUntil = Date.now() + DECIDED_WITHIN_MS;
  for (const click of promised) {
    const clickId = click.clickId ?? '';
    const status = await poll(
      `click ${clickId} is decided`,
      async () => {
        const answer = await shop.clickStatus(clickId);
        return answer.status === 200 && answer.body.outcome !== 'accepted' ? answer.body : null;
      },
      Math.max(0, decidedUntil - Date.now()),
    ).catch((error: unknown) => {
      if (undecided < SHOWN) figure('undecided', String(error));
      return null;
    });
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
