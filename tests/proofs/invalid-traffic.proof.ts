import { setTimeout as delay } from 'node:timers/promises';
import { CLICK_RULES_VERSION } from '../../domain/invalid-click-rules.js';
import { clickIdOf } from '../../infra/click-token.js';
import { createPrisma } from '../../infra/prisma.js';
import { advanceBusinessClock } from '../../operations/advance-business-clock.js';
import { rememberOwnDevice } from '../../operations/remember-own-device.js';
import { answered, finalOutcome } from '../support/answered-click.js';
import { type FundedBusiness, fundAdvertisers } from '../support/funded-advertisers.js';
import {
  type LabelledClick,
  type LabelledTraffic,
  labelledTraffic,
  type Trace,
} from '../support/labelled-traffic.js';
import { reconcileReport } from '../support/main-command.js';
import { poll } from '../support/poll.js';
import { connectShop, type Shop } from '../support/shop.js';
import { answerPress, inLanes } from '../support/signed-answers.js';
import type { Proof, ProofContext } from './proof.js';

const ADVERTISERS = 50;
const CLIENTS = 48;
const PRICE_KRW = 100;
const MINUTE_MS = 60_000;
/** After the clock moved, until every process has read it. */
const CLOCK_READ_MS = 1_500;
const DECIDED_WITHIN_MS = 60_000;
const SHOWN = 5;

export const proof: Proof = {
  name: 'invalid-traffic',
  proves:
    'of labelled traffic every listed robot, second click, burst, late and own click goes uncharged with its reason, and not one click of a person',
  params: { people: 400 },
  parts: ['ad-server', 'balance-worker'],
  run,
};

/** A click as it was sent: what must become of it, and what the shop was told. */
interface SentClick {
  readonly click: LabelledClick;
  readonly clickId: string;
  readonly told: readonly string[];
}

async function run(context: ProofContext): Promise<void> {
  const { stack, step, figure, random, number } = context;
  const money = { cashKrw: 10_000_000, dailyBudgetKrw: 10_000_000, totalBudgetKrw: null };
  const business = await fundAdvertisers(stack.env, ADVERTISERS, () => money);
  try {
    const traffic = labelledTraffic(number('people'), random);
    step(`${traffic.traces.length} traces of ${traffic.traces.flat().length} clicks`);
    await registerOwnDevices(business, traffic);
    const sent: SentClick[] = [];
    for (const [lastSeconds, traces] of wavesOf(traffic)) {
      const tookMs = await sendWave(context, business, traces, sent);
      figure(`traces of ${lastSeconds} s`, `${traces.length}, sent in ${(tookMs / 1_000).toFixed(1)} s`);
      // Bursts are counted by the minute, so they must lie in one.
      if (lastSeconds === 0) context.check('everything at once was sent within a minute', tookMs < MINUTE_MS);
    }
    await judge(context, business, traffic, sent);
  } finally {
    await business.close();
  }
}

const campaignOf = ({ campaigns }: FundedBusiness, { ad }: LabelledClick) => {
  const campaign = campaigns[ad % campaigns.length];
  if (campaign === undefined) throw new Error('no campaign');
  return campaign;
};

async function registerOwnDevices(business: FundedBusiness, { traces }: LabelledTraffic): Promise<void> {
  const prisma = createPrisma(business.pool);
  const { HASH_KEY: hashKey } = business.config;
  for (const click of traces.flat().filter(({ ownDevice }) => ownDevice)) {
    const { advertiserId } = campaignOf(business, click);
    await rememberOwnDevice(prisma, { advertiserId, deviceId: click.deviceId, hashKey });
  }
}

/** Traces by when they end, the shortest first: what must happen within seconds waits for nothing else. */
function wavesOf({ traces }: LabelledTraffic): [number, Trace[]][] {
  const waves = new Map<number, Trace[]>();
  for (const trace of traces) {
    const last = Math.max(...trace.map(({ atSeconds }) => atSeconds));
    waves.set(last, [...(waves.get(last) ?? []), trace]);
  }
  return [...waves].sort(([a], [b]) => a - b);
}

/** Begins with a minute of the business clock, and moves that clock from step to step. Returns how long it took. */
async function sendWave(
  { stack }: ProofContext,
  business: FundedBusiness,
  traces: readonly Trace[],
  sent: SentClick[],
): Promise<number> {
  const shop = connectShop(`http://127.0.0.1:${stack.ports.adServer}`, business.apiKey);
  const now = await businessNow(business);
  const startMs = (Math.floor(now() / MINUTE_MS) + 1) * MINUTE_MS;
  const steps = [...new Set(traces.flat().map(({ atSeconds }) => atSeconds))].sort((a, b) => a - b);
  const startedAt = performance.now();
  for (const atSeconds of steps) {
    const clock = await moveTo(business, startMs + atSeconds * 1_000);
    const parts = traces.map((trace) => trace.filter((click) => click.atSeconds === atSeconds));
    await inLanes(parts, CLIENTS, async (clicks) => {
      for (const click of clicks) sent.push(await send(business, shop, click, clock()));
    });
  }
  return performance.now() - startedAt;
}

async function send(
  business: FundedBusiness,
  shop: Shop,
  click: LabelledClick,
  now: number,
): Promise<SentClick> {
  const press = answerPress(business.config);
  const { deviceId, shopper } = click;
  const issuedAt = now - click.deliveredAfterMs;
  const ad = { ...campaignOf(business, click), adId: `ad_t${click.ad}`, priceKrw: PRICE_KRW };
  const { clickToken, payload } = press(deviceId, [ad], issuedAt);
  const clickedAt = new Date(issuedAt + click.clickedAfterMs).toISOString();
  const once = async () => {
    const { status, body } = await answered(
      shop,
      { clickToken, deviceId, adId: ad.adId, clickedAt },
      shopper,
    );
    return status === 200 || status === 202 ? finalOutcome(shop, body) : `${status} ${body.code ?? ''}`;
  };
  const told = await Promise.all(click.sentTwice ? [once(), once()] : [once()]);
  return { click, clickId: clickIdOf(payload, ad.adId), told };
}

async function businessNow({ pool }: FundedBusiness): Promise<() => number> {
  const { rows } = await pool.query<{ offset_ms: string }>('SELECT offset_ms::text FROM business_clock');
  const offsetMs = Number(rows[0]?.offset_ms);
  return () => Date.now() + offsetMs;
}

/** The business clock at `target`, or later when it is later already; every process has heard of it. */
async function moveTo(business: FundedBusiness, target: number): Promise<() => number> {
  const now = await businessNow(business);
  if (now() >= target) return now;
  const moved = await advanceBusinessClock(business.pool, { environment: 'test', toMs: target });
  if (!moved.ok) throw new Error(moved.error.message);
  await delay(CLOCK_READ_MS);
  return businessNow(business);
}

interface StoredClick {
  readonly click_id: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly rules_version: number;
}

async function judge(
  context: ProofContext,
  { pool }: FundedBusiness,
  traffic: LabelledTraffic,
  sent: readonly SentClick[],
): Promise<void> {
  const { stack, step, figure, check } = context;
  step('Label against outcome, as stored');
  const count = async () =>
    Number((await pool.query<{ n: string }>('SELECT count(*)::text AS n FROM click_charge')).rows[0]?.n);
  await poll(
    'all clicks are decided',
    async () => (await count()) >= sent.length,
    DECIDED_WITHIN_MS,
    200,
  ).catch(() => null);
  const { rows } = await pool.query<StoredClick>(
    'SELECT click_id, outcome, reason, rules_version FROM click_charge',
  );
  check('every click is stored once', rows.length === sent.length, `${rows.length} of ${sent.length}`);
  check(
    'with the version of the rules',
    rows.every((row) => row.rules_version === CLICK_RULES_VERSION),
    `${CLICK_RULES_VERSION}`,
  );
  const stored = new Map(rows.map((row) => [row.click_id, row.reason ?? row.outcome]));
  const outcomeOf = ({ clickId }: SentClick) => stored.get(clickId) ?? 'not stored';
  const wronglyTold = sent.filter((one) => one.told.some((told) => told !== outcomeOf(one)));
  check('the shop was told what is stored', wronglyTold.length === 0, samples(wronglyTold, outcomeOf));
  printMatrix(context, sent, outcomeOf);
  for (const [expected, clicks] of byExpectation(sent)) {
    const wrong = clicks.filter((one) => outcomeOf(one) !== expected);
    const what = expected === 'charged' ? 'is charged' : `goes uncharged: ${expected}`;
    check(
      `each of ${clicks.length} clicks ${what}`,
      wrong.length === 0,
      `${wrong.length} wrong ${samples(wrong, outcomeOf)}`,
    );
  }
  for (const { kind, reason, charged } of traffic.limited) {
    const outcomes = sent.filter(({ click }) => click.kind === kind).map(outcomeOf);
    const over = outcomes.filter((outcome) => outcome === reason).length;
    const paid = outcomes.filter((outcome) => outcome === 'charged').length;
    check(
      `${kind}: ${charged} charged, all others ${reason}`,
      paid === charged && over === outcomes.length - paid,
    );
    figure(`${kind}: charged / ${reason}`, `${paid} / ${over}`);
  }
  const filtered = sent.filter((one) => one.click.label === 'person' && outcomeOf(one) !== 'charged');
  check('no click of a person is filtered', filtered.length === 0, samples(filtered, outcomeOf));
  const report = await reconcileReport(stack.env);
  const broken = report.invariants.filter((invariant) => !invariant.ok);
  check('the books are clean', broken.length === 0, JSON.stringify(broken));
}

function byExpectation(sent: readonly SentClick[]): Map<string, SentClick[]> {
  const groups = new Map<string, SentClick[]>();
  for (const one of sent) {
    const { expected } = one.click;
    if (expected !== 'limit') groups.set(expected, [...(groups.get(expected) ?? []), one]);
  }
  return groups;
}

const samples = (sent: readonly SentClick[], outcomeOf: (one: SentClick) => string): string =>
  sent
    .slice(0, SHOWN)
    .map((one) => `${one.click.kind}: ${outcomeOf(one)}, told ${one.told.join(' and ')}`)
    .join('; ');

/** Each behaviour with its outcomes, then the four fields of people and robots. */
function printMatrix(
  { figure }: ProofContext,
  sent: readonly SentClick[],
  outcomeOf: (one: SentClick) => string,
): void {
  const kinds = new Map<string, Map<string, number>>();
  for (const one of sent) {
    const outcomes = kinds.get(one.click.kind) ?? new Map<string, number>();
    kinds.set(one.click.kind, outcomes.set(outcomeOf(one), (outcomes.get(outcomeOf(one)) ?? 0) + 1));
  }
  for (const [kind, outcomes] of [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)))
    figure(kind, [...outcomes].map(([outcome, times]) => `${times} ${outcome}`).join(', '));
  for (const label of ['person', 'robot'] as const) {
    const ofLabel = sent.filter(({ click }) => click.label === label);
    const charged = ofLabel.filter((one) => outcomeOf(one) === 'charged').length;
    figure(`${label}s: charged / not charged`, `${charged} / ${ofLabel.length - charged}`);
  }
}
