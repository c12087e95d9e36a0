import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { DEMO } from '../../contracts/demo.js';
import { standardQueries } from '../support/demo.js';
import { everythingReady } from '../support/kill-part.js';
import { reconcileReport, runMain } from '../support/main-command.js';
import { poll, quantile } from '../support/poll.js';
import { connectShop, newDevice, type Shop } from '../support/shop.js';
import type { Proof, ProofContext } from './proof.js';

const PARTS = ['redis', 'postgres', 'kafka'] as const;
type PartName = (typeof PARTS)[number];
type Phase = 'before' | 'settling' | 'gone' | 'returning' | 'after';

const VISIT_EVERY_MS = 50;
const BEFORE_MS = 10_000;
/** What is under way when a part goes may still wait for it. */
const SETTLING_MS = 3_000;
const AFTER_MS = 10_000;
const BACK_WITHIN_MS = 60_000;
const DECIDED_WITHIN_MS = 60_000;
/** Kafka longer than the minute for which ads are served on trust. */
const GONE_MS: Readonly<Record<PartName, number>> = { redis: 20_000, postgres: 20_000, kafka: 75_000 };

export const proof: Proof = {
  name: 'outage',
  proves:
    'what is declared for the time without Redis, PostgreSQL or Kafka happens; no ad query ever answers 5xx',
  params: { part: 'redis' },
  run,
};

interface Visit {
  readonly phase: Phase;
  readonly adsStatus: number;
  readonly adsMs: number;
  readonly filled: boolean;
  readonly noFillReason: string;
  clickStatus: number | null;
  clickMs: number;
  clickId: string | null;
}

async function run(context: ProofContext): Promise<void> {
  const { stack, check, step } = context;
  const part = PARTS.find((name) => name === context.text('part'));
  if (part === undefined) throw new Error(`--part is one of ${PARTS.join(', ')}`);
  step('A shop under load');
  const seeded = await runMain(stack.env, ['seed', '--campaigns-per-seller', '1', '--sellers', '8']);
  check('the seed runs through the ordinary operations', seeded.exitCode === 0, seeded.stderr.slice(0, 500));
  const shop = connectShop(`http://127.0.0.1:${stack.ports.adServer}`, DEMO.shopApiKey);
  const now: { phase: Phase } = { phase: 'before' };
  const visitors = startVisitors(context, shop, now);
  try {
    await poll(
      'ads are served',
      async () => visitors.visits.filter(({ filled }) => filled).length > 20,
      60_000,
    );
    await delay(BEFORE_MS);
    await takeDown(context, part, now, visitors.visits);
  } finally {
    await visitors.stop();
  }
  report(context, visitors.visits);
  checkDeclared(context, part, visitors.visits);
  await checkPromises(context, shop, visitors.visits);
}

/** Hung, not refused: connections stay and nobody answers, which is the harder case. */
async function takeDown(
  { stack, step, figure }: ProofContext,
  part: PartName,
  now: { phase: Phase },
  visits: readonly Visit[],
): Promise<void> {
  step(`${part} hangs for ${GONE_MS[part] / 1_000} s`);
  const pid = stack.pidOf(part);
  now.phase = 'settling';
  await signalFamily(pid, 'STOP');
  try {
    await delay(SETTLING_MS);
    now.phase = 'gone';
    await delay(GONE_MS[part] - SETTLING_MS);
  } finally {
    await signalFamily(pid, 'CONT');
  }
  now.phase = 'returning';
  step('It is back');
  const backAt = Date.now();
  const seen = visits.length;
  await poll(
    'ads and clicks as before',
    async () => {
      const last = visits.slice(seen).slice(-10);
      return last.length === 10 && last.every(({ filled, clickStatus }) => filled && clickStatus === 200);
    },
    BACK_WITHIN_MS,
    50,
  ).catch(() => null);
  figure('ads and clicks as before after', `${((Date.now() - backAt) / 1_000).toFixed(1)} s`);
  await everythingReady(stack);
  now.phase = 'after';
  await delay(AFTER_MS);
}

/** PostgreSQL is a family of processes, each a group of its own: all of them stand still. */
async function signalFamily(pid: number, signal: 'STOP' | 'CONT'): Promise<void> {
  process.kill(pid, `SIG${signal}`);
  // Exit code 1: it has no children.
  await execa('pkill', [`-${signal}`, '-P', String(pid)], { reject: false });
}

function startVisitors({ random }: ProofContext, shop: Shop, now: { phase: Phase }) {
  const visits: Visit[] = [];
  const running = new Set<Promise<void>>();
  const queries = standardQueries();
  const visit = async () => {
    const { phase } = now;
    const deviceId = newDevice();
    const query = queries[Math.floor(random() * queries.length)];
    const answer = await shop.ads({ ...query, deviceId }).catch(() => null);
    const ad = answer?.status === 200 ? answer.body.ads[0] : undefined;
    const seen: Visit = {
      phase,
      adsStatus: answer?.status ?? 0,
      adsMs: answer?.ms ?? Number.POSITIVE_INFINITY,
      filled: ad !== undefined,
      noFillReason: answer?.body.noFillReason ?? '',
      clickStatus: null,
      clickMs: 0,
      clickId: null,
    };
    if (answer !== null && ad !== undefined) {
      const { clickToken } = answer.body;
      const click = await shop.click({ clickToken, adId: ad.adId, deviceId }).catch(() => null);
      seen.clickStatus = click?.status ?? 0;
      seen.clickMs = click?.ms ?? Number.POSITIVE_INFINITY;
      seen.clickId = click !== null && click.status < 300 ? click.body.clickId : null;
    }
    visits.push(seen);
  };
  const timer = setInterval(() => {
    const task: Promise<void> = visit().finally(() => running.delete(task));
    running.add(task);
  }, VISIT_EVERY_MS);
  return {
    visits,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}

function report({ step, figure }: ProofContext, visits: readonly Visit[]): void {
  step('What the shop saw');
  for (const phase of ['before', 'settling', 'gone', 'returning', 'after'] as const) {
    const some = visits.filter((visit) => visit.phase === phase);
    const clicked = some.filter(({ clickStatus }) => clickStatus !== null);
    const ms = (values: readonly number[]) =>
      values.length === 0
        ? '-'
        : `${quantile(values, 0.5).toFixed(1)} / ${quantile(values, 0.99).toFixed(1)}`;
    const statuses = counted(clicked.map(({ clickStatus }) => String(clickStatus)));
    const fills = counted(
      some.map(({ filled, noFillReason, adsStatus }) =>
        filled ? 'ads' : noFillReason || `status ${adsStatus}`,
      ),
    );
    figure(
      phase,
      `queries ${some.length} (${fills}), p50 / p99 ms ${ms(some.map(({ adsMs }) => adsMs))}; clicks ${clicked.length} (${statuses}), p50 / p99 ms ${ms(clicked.map(({ clickMs }) => clickMs))}`,
    );
  }
}

function counted(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, times]) => `${times} x ${word}`).join(', ');
}

/** The table of the architecture, line by line. */
function checkDeclared({ check }: ProofContext, part: PartName, visits: readonly Visit[]): void {
  const wrong = visits.filter(({ adsStatus }) => adsStatus !== 200);
  check(
    'every ad query is answered 200',
    wrong.length === 0,
    counted(wrong.map(({ phase, adsStatus }) => `${adsStatus} ${phase}`)),
  );
  const gone = visits.filter(({ phase }) => phase === 'gone');
  const clicks = gone.filter(({ clickStatus }) => clickStatus !== null);
  check(
    'the shop went on asking and clicking',
    gone.length > 100 && clicks.length > 50,
    `${gone.length} queries, ${clicks.length} clicks`,
  );
  const all = (statuses: readonly number[]) =>
    clicks.every(({ clickStatus }) => statuses.includes(clickStatus ?? 0));
  if (part === 'kafka') {
    check(
      'clicks are refused with 503, to be sent again',
      all([503]),
      counted(clicks.map(({ clickStatus }) => String(clickStatus))),
    );
    check(
      'after a minute nothing is served that could not be charged',
      gone.slice(-20).every(({ noFillReason }) => noFillReason === 'click_path_down'),
    );
    return;
  }
  check(
    'ads go on from memory',
    gone.every(({ filled }) => filled),
    counted(gone.map(({ noFillReason }) => noFillReason || 'ads')),
  );
  check(
    'clicks are accepted, to be decided later',
    all([202]),
    counted(clicks.map(({ clickStatus }) => String(clickStatus))),
  );
}

async function checkPromises(
  { stack, check, step, figure }: ProofContext,
  shop: Shop,
  visits: readonly Visit[],
): Promise<void> {
  step('Every promise was kept');
  const after = visits.filter(({ phase }) => phase === 'after');
  check(
    'afterwards all is as before',
    after.length > 0 &&
      after.every(({ filled, clickStatus }) => filled && (clickStatus === 200 || clickStatus === 202)),
    counted(after.map(({ clickStatus }) => String(clickStatus))),
  );
  const promised = visits.flatMap(({ clickId }) => clickId ?? []);
  let undecided = 0;
  const until = Date.now() + DECIDED_WITHIN_MS;
  for (const clickId of promised) {
    const isDecided = async () => (await shop.clickStatus(clickId)).status === 200;
    await poll('a decision', isDecided, Math.max(0, until - Date.now())).catch(() => {
      undecided += 1;
    });
  }
  figure('clicks promised', promised.length);
  check('every promised click is decided', undecided === 0, `${undecided} undecided`);
  const { invariants } = await reconcileReport(stack.env);
  const broken = invariants.filter(({ ok }) => !ok);
  check('the books are clean', broken.length === 0, JSON.stringify(broken));
}
