import { setTimeout as delay } from 'node:timers/promises';
import { DAY_MS } from '../../../domain/business-date.js';
import { STATEMENTS } from '../../../flink/statements.js';
import { poll } from '../../support/poll.js';
import { type ProofContext, seededRandom } from '../proof.js';
import { type Compared, compareAll } from './compare.js';
import { type Expected, Recomputation } from './expected.js';
import { describeKill, Killer, planKills, recoveryFigures } from './kills.js';
import type { Sent } from './records.js';
import { createShop, DISORDER_MS, type Shop } from './shop.js';
import { openWorld, type World } from './world.js';

const SEND_EVERY_MS = 100;
/** Share of the traffic's time in which parts are killed: the rest comes while they recover. */
const KILLED_IN_FIRST = 0.6;
const MINUTE_MS = 60_000;
/** Longer than any window: after it, nothing of the round is open. */
const LEAST_JUMP_MS = 10 * MINUTE_MS;
const MOST_MORE_MINUTES = 100;
/** Every third round begins 24 hours after an earlier one, to the edge of the match. */
const DAY_LATER_EVERY = 3;
/** The match waits this long for disorder (FLINK_MATCH_WATERMARK_SECONDS of a stack), and a second more. */
const DECIDED_AFTER_MS = 6_000;
/** Performance and ranking wait so long. */
const WATERMARK_DELAY_MS = 5_000;
const RECOVERED_WITHIN_MS = 240_000;
const TAKEN_IN_WITHIN_MS = 120_000;
/** From the checkpoint that holds a row until the store has it. */
const WRITTEN_WITHIN_MS = 45_000;
const SHOWN = 5;

interface Run {
  readonly context: ProofContext;
  readonly world: World;
  readonly killer: Killer;
  readonly shop: Shop;
  readonly log: Recomputation;
  /** Business time at which each round began. */
  readonly begins: number[];
  readonly random: () => number;
}

/**
 * Rounds of: traffic under kills; everything is back; the match has decided; the clock closes all windows; every row
 * is compared. The clock moves only when nothing is under way, as ADR 8 asks: a conversion that is decided across a
 * move of the business clock is not counted.
 */
export async function proveRecovery(context: ProofContext): Promise<void> {
  const { stack, step, figure, check, number } = context;
  step('Three statements, two subtasks each, four partitions');
  const world = await openWorld(stack);
  const killer = new Killer(world);
  try {
    const startedAt = Date.now();
    const shop = createShop(context.seed);
    const random = seededRandom(context.seed + 1);
    const run: Run = { context, world, killer, shop, log: new Recomputation(), begins: [], random };
    await world.send(() => shop.opening(world.clock.now()));
    await world.statements.untilWholeSince(startedAt);
    figure('statements run and have written a checkpoint after', `${seconds(startedAt)} s`);
    const loops = number('loops');
    for (let round = 1; round <= loops; round++) await oneRound(run, round, loops);
    finalFigures(run);
    checkSubmissions(run);
    check(
      'the run was as large as asked',
      run.log.counts.events >= number('events'),
      `${run.log.counts.events} events`,
    );
  } finally {
    await killer.close();
    await world.close();
  }
}

async function oneRound(run: Run, round: number, loops: number): Promise<void> {
  const { context, world, killer, log, random } = run;
  const { number, step, figure, check } = context;
  const startedAt = Date.now();
  const withinMs = 1_000 * number('seconds');
  const plan = planKills(number('kills'), withinMs * KILLED_IN_FIRST, random);
  step(`Round ${round} of ${loops}: SIGKILL ${plan.map(describeKill).join(', ')}`);
  begin(run, round);
  const share =
    Math.ceil((number('events') * round) / loops) - Math.ceil((number('events') * (round - 1)) / loops);
  const [sent] = await Promise.all([produce(run, share, withinMs), killer.carryOut(plan)]);
  await killer.untilRecovered(RECOVERED_WITHIN_MS);
  const recoveredAfter = seconds(startedAt);
  await untilDecided(world);
  const expected = await closeRound(run);
  const compared = await untilEqual(run, expected);
  const rows = compared.reduce((sum, { rows: some }) => sum + some, 0);
  const differing = compared.reduce((sum, { different }) => sum + different.length, 0);
  for (const { what, rows: some, different } of compared.filter(({ different: found }) => found.length > 0)) {
    figure(`DIFFERENT ${what}`, `${different.length} of ${some}`);
    for (const row of different.slice(0, SHOWN)) figure('  ', row);
  }
  const late = log.possiblyLate.splice(0);
  for (const record of late.slice(0, SHOWN)) figure('possibly late', record);
  check(`round ${round}: no record came behind a watermark`, late.length === 0, `${late.length} of ${sent}`);
  check(
    `round ${round}: 0 rows differ from the batch recomputation`,
    differing === 0,
    `${rows} rows, ${sent} events, recovered after ${recoveredAfter} s, round ${seconds(startedAt)} s`,
  );
}

/** Some rounds begin a day after an earlier one: its clicks lie on the edge of the 24 hours then. */
function begin({ world, shop, begins }: Run, round: number): void {
  const { clock } = world;
  const earlier = begins.find((at) => at + DAY_MS > clock.now() + LEAST_JUMP_MS);
  if (round % DAY_LATER_EVERY === 0 && earlier !== undefined)
    clock.offsetMs += earlier + DAY_MS - clock.now();
  begins.push(clock.now());
  shop.nextRound();
}

/** Spread evenly over the time; what the machine could not send in time follows at once. */
async function produce({ world, shop }: Run, share: number, withinMs: number): Promise<number> {
  const startedAt = Date.now();
  let sent = 0;
  while (sent < share) {
    const due = Math.ceil(share * Math.min(1, (Date.now() - startedAt + SEND_EVERY_MS) / withinMs));
    sent += await world.send(() => {
      const records: Sent[] = [];
      while (sent + records.length < due) records.push(...shop.act(world.clock.now()));
      return records;
    });
    await delay(SEND_EVERY_MS);
  }
  return sent;
}

/** Every order line so far has been decided, and what was decided stands in ad-events. */
async function untilDecided(world: World): Promise<void> {
  const position = await world.eventLog.untilTicked(world.clock.now() + DECIDED_AFTER_MS);
  await world.untilCommitted(['conversion-match-24h'], position, TAKEN_IN_WITHIN_MS);
}

/** Moves the clock behind every open window, waits until the statements have seen it, and recomputes. */
async function closeRound({ world, log, random }: Run): Promise<Expected> {
  const { clock, eventLog } = world;
  clock.offsetMs += LEAST_JUMP_MS + Math.floor(random() * MOST_MORE_MINUTES) * MINUTE_MS;
  const position = await eventLog.untilTicked(clock.now() + WATERMARK_DELAY_MS - DISORDER_MS);
  await eventLog.readToEnd();
  const expected = log.add(eventLog.take());
  await world.untilCommitted(
    STATEMENTS.map(({ name }) => name),
    position,
    TAKEN_IN_WITHIN_MS,
  );
  return expected;
}

/** Sinks write behind their checkpoints: what is still different after a while is wrong. */
async function untilEqual({ world, log }: Run, expected: Expected): Promise<readonly Compared[]> {
  let compared = await compareAll(world, expected, log);
  const isEqual = async () => {
    if (compared.every(({ different }) => different.length === 0)) return true;
    compared = await compareAll(world, expected, log);
    return false;
  };
  await poll('every row is as recomputed', isEqual, WRITTEN_WITHIN_MS, 500).catch(() => null);
  return compared;
}

function finalFigures({ context, killer, log, world }: Run): void {
  const { step, figure, check } = context;
  step('Recovery');
  for (const [kind, text] of recoveryFigures(killer.kills)) figure(kind, text);
  figure('events / repeats recognised', `${log.counts.events} / ${log.counts.repeats}`);
  const appended = [...log.appended.values()];
  const repeated = appended.reduce((sum, events) => sum + events.length - 1, 0);
  figure('conversions and reversals appended / appended again', `${appended.length} / ${repeated}`);
  check(
    'ad servers took every ranking that they read',
    world.badBlobs.length === 0,
    world.badBlobs.join(', '),
  );
}

/** State was lost when a statement began at the start of the log again. */
function checkSubmissions({ context, world }: Run): void {
  const { submissions } = world.statements;
  const first = new Set<string>();
  const lost = submissions.filter(({ statement, from }) => {
    const isFirst = !first.has(statement);
    first.add(statement);
    return from === 'fresh' && !isFirst;
  });
  const restored = submissions.filter(({ from }) => from === 'restored').length;
  context.figure('submissions restored / fresh', `${restored} / ${submissions.length - restored}`);
  const detail = lost.map(({ statement }) => statement).join(', ');
  context.check(
    'after its first start, no statement ever began without its state',
    lost.length === 0,
    detail,
  );
}

const seconds = (sinceMs: number) => ((Date.now() - sinceMs) / 1_000).toFixed(1);
