import { createHash } from 'node:crypto';
import type { ClickDecision, ClickToCharge } from '../../domain/charging.js';
import { seededRandom } from '../proofs/proof.js';
import { judge } from './judge.js';
import { type Flaw, SimulatedStore } from './store.js';
import {
  below,
  END_MS,
  oneOf,
  PARTITIONS,
  partitionOf,
  type Random,
  START_MS,
  smallMoney,
  someClick,
} from './world.js';

const CLICKS = 120;
const WORKERS = 2;
const MAX_FETCH = 8;
/** Until then parts are lost; afterwards everything is delivered in peace, so that nothing stays open. */
const MAX_STEPS = 3_000;

export interface Run {
  /** SHA-256 of everything that happened: the same seed gives the same one. */
  readonly trace: string;
  readonly steps: number;
  readonly charged: number;
  readonly faults: number;
  /** What should not have happened; empty when all is well. */
  readonly violations: readonly string[];
}

/** A click on its way to the log. The shop sends it until it hears that it is durable, and now and then once more. */
interface Sending {
  readonly click: ClickToCharge;
  acknowledged: boolean;
}

/** What a worker holds of a partition: fetched, decided, published, in this order. */
interface Holding {
  readonly from: number;
  readonly clicks: readonly ClickToCharge[];
  decisions: readonly ClickDecision[] | null;
  published: boolean;
}

interface Worker {
  /** A worker that lost the partition goes on with what it holds until it notices. */
  readonly holds: Map<number, Holding>;
  readonly position: Map<number, number>;
}

interface World {
  readonly random: Random;
  readonly store: SimulatedStore;
  readonly flaw: Flaw | null;
  readonly log: ClickToCharge[][];
  readonly offsets: number[];
  readonly owner: number[];
  readonly workers: Worker[];
  readonly sendings: Sending[];
  readonly published: Map<string, ClickDecision>;
  readonly trace: string[];
  readonly violations: string[];
  nowMs: number;
  faults: number;
}

/**
 * Shops, a log of partitions, two workers and a store with everything that can be lost on the way: appends, their
 * acknowledgements, commits, the replies of commits, workers between any two steps, partitions that move while
 * their clicks are being decided. One thread, one seeded generator, no clock but its own.
 */
export function simulate(seed: number, flaw: Flaw | null = null): Run {
  const random = seededRandom(seed);
  const initial = smallMoney(random);
  const clicks = Array.from({ length: CLICKS }, (_, n) => someClick(random, n));
  const world: World = {
    random,
    flaw,
    store: new SimulatedStore(initial, START_MS, flaw),
    log: Array.from({ length: PARTITIONS }, () => []),
    offsets: Array.from({ length: PARTITIONS }, () => 0),
    owner: Array.from({ length: PARTITIONS }, (_, partition) => partition % WORKERS),
    workers: Array.from({ length: WORKERS }, newWorker),
    sendings: clicks.map((click) => ({ click, acknowledged: false })),
    published: new Map(),
    trace: [],
    violations: [],
    nowMs: START_MS,
    faults: 0,
  };
  let steps = 0;
  for (; steps < MAX_STEPS && !isDone(world); steps += 1) step(world, random() < 0.75);
  while (!isDone(world) && steps < MAX_STEPS * 3) {
    step(world, false);
    steps += 1;
  }
  if (!isDone(world)) world.violations.push('clicks are left over');
  world.violations.push(...judge(initial, world));
  return {
    trace: createHash('sha256').update(world.trace.join('\n')).digest('hex'),
    steps,
    charged: world.store.journal.filter(
      (entry) => entry.kind === 'click' && entry.decision.outcome === 'charged',
    ).length,
    faults: world.faults,
    violations: world.violations,
  };
}

const newWorker = (): Worker => ({ holds: new Map(), position: new Map() });

function isDone({ sendings, log, offsets }: World): boolean {
  return (
    sendings.every(({ acknowledged }) => acknowledged) &&
    log.every((partition, index) => offsets[index] === partition.length)
  );
}

/** What happened, for the trace; a lost part begins with `!`. */
type Happening = string;

/** One thing happens, somewhere. `mayFail`: whether a part may be lost in it. */
function step(world: World, mayFail: boolean): void {
  world.nowMs = Math.min(END_MS, world.nowMs + below(world.random, 15_000));
  const what = happen(world, mayFail);
  world.trace.push(`${world.nowMs} ${what}`);
  if (what.startsWith('!')) world.faults += 1;
}

function happen(world: World, mayFail: boolean): Happening {
  const { random } = world;
  const dice = random();
  if (dice < 0.35) return send(world, mayFail);
  if (dice < 0.9 || !mayFail) return work(world, below(random, WORKERS), below(random, PARTITIONS), mayFail);
  if (dice < 0.93) return topUp(world);
  return dice < 0.97 ? crash(world) : rebalance(world);
}

function send(world: World, mayFail: boolean): Happening {
  const { random } = world;
  const open = world.sendings.filter(({ acknowledged }) => !acknowledged);
  // While parts are lost, a shop also sends again what was acknowledged long ago.
  const sendsAgain = mayFail && (open.length === 0 || random() < 0.1);
  const sending = sendsAgain ? oneOf(random, world.sendings) : open[below(random, Math.min(open.length, 10))];
  if (sending === undefined) return 'nothing to send';
  const { click } = sending;
  const dice = mayFail ? random() : 1;
  if (dice < 0.1) return `! append of ${click.clickId} lost`;
  world.log[partitionOf(click.advertiserId)]?.push(click);
  if (dice < 0.2) return `! ${click.clickId} appended, acknowledgement lost`;
  sending.acknowledged = true;
  return `${click.clickId} appended`;
}

/** The next step of this worker with this partition: fetch, decide, publish, write the offset. */
function work(world: World, index: number, partition: number, mayFail: boolean): Happening {
  const who = `${index}/${partition}`;
  const worker = world.workers[index];
  const holding = worker?.holds.get(partition);
  const isOwner = world.owner[partition] === index;
  if (worker === undefined) return 'nobody';
  if (holding === undefined)
    return isOwner ? `${who} ${fetch(world, worker, partition)}` : `${who} is not asked`;
  if (holding.decisions === null) return decide(world, holding, who, mayFail);
  if (!holding.published) return `${who} ${publish(world, holding)}`;
  worker.holds.delete(partition);
  // A worker that lost the partition may not write its offset; it only forgets what it held.
  if (!isOwner) return `${who} gives up`;
  const next = holding.from + holding.clicks.length;
  worker.position.set(partition, next);
  if (mayFail && world.random() < 0.3) return `! ${who} offset ${next} not written`;
  world.offsets[partition] = next;
  return `${who} offset ${next}`;
}

function fetch(world: World, worker: Worker, partition: number): Happening {
  const from = worker.position.get(partition) ?? world.offsets[partition] ?? 0;
  const clicks = world.log[partition]?.slice(from, from + 1 + below(world.random, MAX_FETCH)) ?? [];
  if (clicks.length === 0) {
    // An offset that was not written before is written when there is nothing else to do.
    world.offsets[partition] = from;
    return `waits at ${from}`;
  }
  worker.holds.set(partition, { from, clicks, decisions: null, published: false });
  if (world.flaw === 'offset_before_decision') world.offsets[partition] = from + clicks.length;
  return `fetches ${clicks.map(({ clickId }) => clickId)}`;
}

function decide(world: World, holding: Holding, who: string, mayFail: boolean): Happening {
  const dice = mayFail ? world.random() : 1;
  if (dice < 0.1) return `! ${who} transaction rolled back`;
  const decisions = world.store.charge(holding.clicks, world.nowMs);
  checkNeverBelowZero(world);
  // The commit is there, its reply is not: the worker asks again with the same clicks.
  if (dice < 0.2) return `! ${who} commits, reply lost`;
  holding.decisions = decisions;
  return `${who} decides ${decisions.map(({ outcome, chargedKrw }) => `${outcome} ${chargedKrw}`)}`;
}

function publish(world: World, holding: Holding): Happening {
  for (const decision of holding.decisions ?? []) {
    const before = world.published.get(decision.clickId) ?? decision;
    if (before.outcome !== decision.outcome || before.chargedKrw !== decision.chargedKrw) {
      world.violations.push(`${decision.clickId} was told ${before.outcome}, then ${decision.outcome}`);
    }
    world.published.set(decision.clickId, decision);
  }
  holding.published = true;
  return 'publishes';
}

function topUp(world: World): Happening {
  const advertiserId = oneOf(world.random, [...world.store.state.advertisers.keys()]);
  const krw = below(world.random, 800);
  world.store.topUp(advertiserId, krw);
  return `${advertiserId} tops up ${krw}`;
}

function crash(world: World): Happening {
  const index = below(world.random, WORKERS);
  world.workers[index] = newWorker();
  return `! worker ${index} dies`;
}

function rebalance(world: World): Happening {
  const partition = below(world.random, PARTITIONS);
  const next = below(world.random, WORKERS);
  world.owner[partition] = next;
  world.workers[next]?.position.delete(partition);
  return `! partition ${partition} goes to worker ${next}`;
}

function checkNeverBelowZero({ store, violations }: World): void {
  for (const [id, { cashKrw, lots }] of store.state.advertisers) {
    if (cashKrw < 0 || lots.some(({ remainingKrw }) => remainingKrw < 0))
      violations.push(`${id} is below zero`);
  }
  for (const [id, campaign] of store.state.campaigns) {
    const { spentTodayKrw, dailyBudgetKrw, totalSpentKrw, totalBudgetKrw } = campaign;
    if (spentTodayKrw > dailyBudgetKrw) violations.push(`${id} is over its daily budget`);
    if (totalBudgetKrw !== null && totalSpentKrw > totalBudgetKrw)
      violations.push(`${id} is over its total budget`);
  }
}
