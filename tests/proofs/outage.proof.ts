import { setTimeout as delay } from 'node:timers/promises';
import { DEMO } from '../../contracts/demo.js';
import { standardQueries } from '../support/demo.js';
import { hang } from '../support/hang-part.js';
import { everythingReady } from '../support/kill-part.js';
import { reconcileReport, runMain } from '../support/main-command.js';
import { poll, quantile } from '../support/poll.js';
import { connectShop, type Shop } from '../support/shop.js';
import {
  counted,
  filledQueries,
  type Phase,
  type Query,
  sendAgain,
  startVisitors,
  type Visit,
} from './outage/visitors.js';
import type { Proof, ProofContext } from './proof.js';

const BEFORE_MS = 10_000;
/** What is under way when a part goes may still wait for it. */
const SETTLING_MS = 3_000;
const AFTER_MS = 10_000;
/** Ads are there and clicks are taken: the ad server's own return. */
const TAKEN_WITHIN_MS = 5_000;
/** Clicks are answered with their outcome: with the worker's return and what waited for it. */
const DECIDED_AGAIN_WITHIN_MS = 60_000;
const DECIDED_WITHIN_MS = 60_000;
/** On two cores that run everything else as well. */
const ADS_P99_MS = 250;
const LOOK_UP_WITHIN_MS = 1_500;
const GONE_MS = 20_000;
const MIN_LISTS = 3;

interface Declared {
  readonly goneMs: number;
  /** Statuses that a click may have. */
  readonly clicks: readonly number[];
  readonly clickWithinMs: number;
  readonly lookUps: readonly number[];
  /** Ads to the end, or nothing after the minute for which ads are served on trust. */
  readonly ads: 'served' | 'click_path_down';
}

const ACCEPTED: Declared = {
  goneMs: GONE_MS,
  clicks: [202],
  clickWithinMs: 1_500,
  lookUps: [200, 404],
  ads: 'served',
};
const UNTOUCHED: Declared = { ...ACCEPTED, clicks: [200, 202] };

/** The table of the architecture, line by line. */
const DECLARED: Readonly<Record<string, Declared>> = {
  redis: ACCEPTED,
  postgres: { ...ACCEPTED, lookUps: [503] },
  kafka: { ...ACCEPTED, goneMs: 75_000, clicks: [503], clickWithinMs: 3_000, ads: 'click_path_down' },
  'balance-worker': ACCEPTED,
  flink: UNTOUCHED,
  temporal: UNTOUCHED,
};

export const proof: Proof = {
  name: 'outage',
  proves:
    'what is declared for the time without Redis, PostgreSQL, Kafka, Flink, Temporal or the worker happens; no ad query ever answers 5xx, and no click is lost',
  params: { part: 'redis' },
  run,
};

async function run(context: ProofContext): Promise<void> {
  const { stack, check, step } = context;
  const part = context.text('part');
  const declared = DECLARED[part];
  if (declared === undefined) throw new Error(`--part is one of ${Object.keys(DECLARED).join(', ')}`);
  step('A shop under load');
  const seeded = await runMain(stack.env, ['seed', '--campaigns-per-seller', '1', '--sellers', '8']);
  check('the seed runs through the ordinary operations', seeded.exitCode === 0, seeded.stderr.slice(0, 500));
  const shop = connectShop(`http://127.0.0.1:${stack.ports.adServer}`, DEMO.shopApiKey);
  const now: { phase: Phase } = { phase: 'before' };
  const visitors = startVisitors(context.random, shop, await settledQueries(shop), now);
  try {
    await delay(BEFORE_MS);
    await takeDown(context, part, declared.goneMs, now);
    await comeBack(context, now, visitors.visits);
  } finally {
    await visitors.stop();
  }
  report(context, visitors.visits);
  checkDeclared(context, declared, visitors.visits);
  await checkPromises(context, shop, visitors.visits);
}

/** The lists that hold ads, once everything that was seeded is ranked: they alone show whether ads go on. */
async function settledQueries(shop: Shop): Promise<Query[]> {
  let settled: Query[] = [];
  await poll(
    'the seeded campaigns are ranked',
    async () => {
      const filled = await filledQueries(shop, standardQueries());
      const isSettled = filled.length >= MIN_LISTS && filled.length === settled.length;
      settled = filled;
      return isSettled;
    },
    60_000,
    3_000,
  );
  return settled;
}

/** Hung, not refused: connections stay and nobody answers, which is the harder case. */
async function takeDown(
  { stack, step }: ProofContext,
  part: string,
  goneMs: number,
  now: { phase: Phase },
): Promise<void> {
  step(`${part} hangs for ${goneMs / 1_000} s`);
  const pid = stack.pidOf(part);
  now.phase = 'settling';
  const awake = await hang(pid, goneMs);
  try {
    await delay(SETTLING_MS);
    now.phase = 'gone';
    await delay(goneMs - SETTLING_MS);
    now.phase = 'returning';
  } finally {
    await awake();
  }
}

async function comeBack(
  { stack, step, figure, check }: ProofContext,
  now: { phase: Phase },
  visits: readonly Visit[],
): Promise<void> {
  step('It is back');
  const backAt = Date.now();
  const isSo = (visit: Visit, statuses: readonly number[]) =>
    visit.filled && statuses.includes(visit.clickStatus ?? 0);
  const untilSo = (statuses: readonly number[], deadlineMs: number) =>
    poll(
      'ten visits in a row',
      async () => {
        const last = visits.filter(({ at }) => at >= backAt).slice(-10);
        return last.length === 10 && last.every((visit) => isSo(visit, statuses));
      },
      deadlineMs,
      50,
    ).then(
      () => true,
      () => false,
    );
  const passed = () => `${((Date.now() - backAt) / 1_000).toFixed(1)} s, ten visits included`;
  const isTaken = await untilSo([200, 202], TAKEN_WITHIN_MS);
  check(`ads are served and clicks taken within ${TAKEN_WITHIN_MS / 1_000} s`, isTaken, passed());
  const isDecided = await untilSo([200], DECIDED_AGAIN_WITHIN_MS);
  check('clicks are answered with their outcome again', isDecided, passed());
  await everythingReady(stack);
  figure('every process says that it is ready after', passed());
  now.phase = 'after';
  await delay(AFTER_MS);
}

function report({ step, figure }: ProofContext, visits: readonly Visit[]): void {
  step('What the shop saw');
  const ms = (values: readonly number[]) =>
    values.length === 0
      ? '-'
      : `${quantile(values, 0.5).toFixed(1)} / ${quantile(values, 0.99).toFixed(1)} / ${Math.max(...values).toFixed(1)}`;
  for (const phase of ['before', 'settling', 'gone', 'returning', 'after'] as const) {
    const some = visits.filter((visit) => visit.phase === phase);
    const clicked = some.filter(({ clickStatus }) => clickStatus !== null);
    const lookedUp = some.filter(({ lookUpStatus }) => lookUpStatus !== null);
    const fills = counted(
      some.map(({ filled, noFillReason, adsStatus }) =>
        filled ? 'ads' : noFillReason || `status ${adsStatus}`,
      ),
    );
    figure(
      `${phase}, queries`,
      `${some.length} (${fills}), p50 / p99 / max ms ${ms(some.map((v) => v.adsMs))}`,
    );
    figure(
      `${phase}, clicks`,
      `${clicked.length} (${counted(clicked.map((v) => v.clickStatus))}), ms ${ms(clicked.map((v) => v.clickMs))}`,
    );
    figure(
      `${phase}, look-ups`,
      `${lookedUp.length} (${counted(lookedUp.map((v) => v.lookUpStatus))}), ms ${ms(lookedUp.map((v) => v.lookUpMs))}`,
    );
  }
}

function checkDeclared({ check }: ProofContext, declared: Declared, visits: readonly Visit[]): void {
  const wrong = visits.filter(({ adsStatus }) => adsStatus !== 200);
  check('every ad query is answered 200', wrong.length === 0, counted(wrong.map((v) => v.adsStatus)));
  const broken = visits.filter(({ clickStatus }) => ![null, 200, 202, 503].includes(clickStatus));
  check(
    'every click has an answer that tells what to do',
    broken.length === 0,
    counted(broken.map((v) => v.clickStatus)),
  );
  const gone = visits.filter(({ phase }) => phase === 'gone');
  const clicks = gone.filter(({ clickStatus }) => clickStatus !== null);
  const enough = gone.length > 100 && clicks.length > 50;
  check('the shop went on asking and clicking', enough, `${gone.length} queries, ${clicks.length} clicks`);
  const adsP99Ms = quantile(
    gone.map(({ adsMs }) => adsMs),
    0.99,
  );
  check(`ads are there within ${ADS_P99_MS} ms (p99)`, adsP99Ms <= ADS_P99_MS, `${adsP99Ms.toFixed(1)} ms`);
  check(
    `clicks are answered with ${declared.clicks.join(' or ')}`,
    clicks.every(({ clickStatus }) => declared.clicks.includes(clickStatus ?? 0)),
    counted(clicks.map(({ clickStatus }) => clickStatus)),
  );
  const slowestMs = Math.max(...clicks.map(({ clickMs }) => clickMs));
  check(
    `and within ${declared.clickWithinMs} ms`,
    slowestMs <= declared.clickWithinMs,
    `${slowestMs.toFixed(0)} ms`,
  );
  // Those of the last second are answered by the part that is back.
  const lookUps = gone.flatMap(({ lookUpStatus, endedIn }) =>
    endedIn === 'gone' ? (lookUpStatus ?? []) : [],
  );
  check(
    `look-ups are answered with ${declared.lookUps.join(' or ')}`,
    lookUps.every((status) => declared.lookUps.includes(status)),
    counted(lookUps),
  );
  const slowestLookUpMs = Math.max(0, ...gone.map(({ lookUpMs }) => lookUpMs));
  check(
    `and within ${LOOK_UP_WITHIN_MS} ms`,
    slowestLookUpMs <= LOOK_UP_WITHIN_MS,
    `${slowestLookUpMs.toFixed(0)} ms`,
  );
  const last = declared.ads === 'served' ? gone : gone.slice(-20);
  const isServed = ({ filled, noFillReason }: Visit) =>
    declared.ads === 'served' ? filled : noFillReason === declared.ads;
  check(
    declared.ads === 'served'
      ? 'ads go on from memory'
      : 'after a minute nothing is served that could not be charged',
    last.every(isServed),
    counted(last.map(({ noFillReason }) => noFillReason || 'ads')),
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
    counted(after.map(({ clickStatus }) => clickStatus)),
  );
  const refused = visits.filter(({ click, clickId }) => click !== null && clickId === null);
  const taken = await sendAgain(shop, refused);
  figure('clicks refused, and sent again', refused.length);
  check('every refused click is taken when it is sent again', taken === refused.length, `${taken} taken`);
  const promised = visits.flatMap(({ clickId }) => clickId ?? []);
  check('each of them is a click of its own', new Set(promised).size === promised.length);
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
  check('the books are clean', invariants.length > 0 && broken.length === 0, JSON.stringify(broken));
}
