import { setTimeout as delay } from 'node:timers/promises';
import type { ConversionEventRow } from '../support/flink/conversion-oracle.js';
import { poll } from '../support/poll.js';
import { textIn } from './flink-oracle/appended.js';
import { Oracle } from './flink-oracle/expected.js';
import { LOADERS, type Part } from './flink-oracle/found.js';
import {
  caseLogs,
  type EventLog,
  endOf,
  lastParameters,
  lateLogs,
  NIGHT_MS,
  randomLogs,
  sizeOf,
  ticks,
} from './flink-oracle/logs.js';
import { type OracleWorld, openOracleWorld } from './flink-oracle/world.js';
import type { Proof, ProofContext } from './proof.js';

export const proof: Proof = {
  name: 'flink-oracle',
  proves:
    'the three statements, deployed with two subtasks on four partitions, say row for row what the functions of domain/ say: on every fixed case and on random logs',
  params: { logs: 20, events: 50_000 },
  parts: ['components'],
  run,
};

/** Until a window of five minutes and every watermark delay is over. */
const CLOSING_MS = 600_000;
/** A store that has not moved for so long holds what it will hold. */
const STANDS_STILL_MS = 45_000;
const LOOK_EVERY_MS = 2_000;
const SHOWN = 3;
const MORNING = 'morning';
const MORNING_EVENTS = 2_000;
/** The deployer asks Flink for figures every ten seconds. */
const COUNTED_WITHIN_MS = 60_000;
/** `LONGEST_EMISSION_DELAY_SECONDS` of the statement, and a moment. */
const LONGEST_EMISSION_DELAY_MS = 3_601_000;

async function run(context: ProofContext): Promise<void> {
  const world = await openOracleWorld(context);
  try {
    const proving = new Proving(context, world);
    await proving.produce();
    await proving.deploy();
    await proving.compare('After the logs');
    await proving.emptyNight();
    await proving.lateRows();
    await proving.fates();
  } finally {
    await world.close();
  }
}

class Proving {
  readonly #oracle: Oracle;
  readonly #parameters = lastParameters(1_790_000_000_000);
  readonly #late = lateLogs();
  #endMs = 0;

  constructor(
    private readonly context: ProofContext,
    private readonly world: OracleWorld,
  ) {
    this.#oracle = new Oracle(this.#parameters);
  }

  async produce(): Promise<void> {
    const { step, figure, number, seed } = this.context;
    step('Fixed cases and random logs, into the topics');
    const startedAt = performance.now();
    const cases = caseLogs();
    const random = Array.from({ length: number('logs') }, (_, index) =>
      randomLogs(`log-${index + 1}`, seed + index, number('events')),
    ).flat();
    const logs = [...cases, ...random];
    const parameters = { name: '', campaignEvents: [this.#parameters], adEvents: [], conversionEvents: [] };
    await this.world.append('counts', [parameters]);
    await this.#append([...logs, ...this.#late.map(({ inTime }) => inTime)]);
    await this.#close();
    figure('fixed cases', cases.length + this.#late.length);
    figure(
      'random logs / events in them',
      `${number('logs')} / ${random.reduce((sum, log) => sum + sizeOf(log), 0)}`,
    );
    figure('produced and recomputed in, s', ((performance.now() - startedAt) / 1_000).toFixed(1));
  }

  async #append(logs: readonly EventLog[]): Promise<void> {
    for (const log of logs) this.#oracle.add(log);
    await this.world.append(
      'counts',
      logs.map((log) => ({ ...log, conversionEvents: [] })),
    );
    await this.world.append('match', logs.map(withoutConversions));
    this.#endMs = Math.max(this.#endMs, endOf(logs));
  }

  async #close(): Promise<void> {
    await this.world.tick(ticks(this.#endMs, this.#endMs + CLOSING_MS));
    this.#endMs += CLOSING_MS;
  }

  async deploy(): Promise<void> {
    const { step, figure } = this.context;
    step('The statements as they are deployed');
    const startedAt = performance.now();
    await this.world.deploy();
    figure('all running after, s', ((performance.now() - startedAt) / 1_000).toFixed(1));
  }

  async compare(when: string): Promise<void> {
    const { step, figure, check } = this.context;
    step(`${when}: what the stores hold`);
    for (const [part, title] of PARTS) {
      const startedAt = performance.now();
      const { found, different } = await this.#untilSame(part);
      const wanted = this.#oracle.expected[part].size;
      figure(
        `${title}, found / expected`,
        `${found} / ${wanted}, ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`,
      );
      check(
        `${title} are what domain/ says, row for row`,
        wanted > 0 && different.length === 0,
        different.slice(0, SHOWN).join('\n    '),
      );
    }
  }

  async #untilSame(part: Part): Promise<{ found: number; different: readonly string[] }> {
    let before = '';
    let sinceMs = Date.now();
    for (;;) {
      const found = await LOADERS[part](this.world);
      const different = differences(this.#oracle.expected[part], found);
      if (different.length === 0 || Date.now() - sinceMs > STANDS_STILL_MS)
        return { found: found.size, different };
      const now = `${found.size} ${different.length}`;
      if (now !== before) sinceMs = Date.now();
      before = now;
      await delay(LOOK_EVERY_MS);
    }
  }

  /** After it a morning, so that all that the night could do has been done when the morning's results are there. */
  async emptyNight(): Promise<void> {
    const { step, check } = this.context;
    step('Six hours in which nobody shops, then a morning');
    const before = await this.#writtenBefore(MORNING);
    await this.world.tick(ticks(this.#endMs, this.#endMs + NIGHT_MS));
    this.#endMs += NIGHT_MS;
    await this.#append(randomLogs(MORNING, this.context.seed, MORNING_EVENTS, this.#endMs));
    await this.#close();
    await this.compare('After the night');
    const after = await this.#writtenBefore(MORNING);
    check(
      'nothing of the day is written or told again in the night',
      before === after,
      `${before}, then ${after}`,
    );
  }

  /** Changes with every row that is written, also with one that says the same, and with every event that is told. */
  async #writtenBefore(prefix: string): Promise<string> {
    const { rows } = await this.world.db.appPool.query<{ written: string }>(
      `SELECT (SELECT sum(xmin::text::bigint) FROM performance_5m WHERE NOT starts_with(ad_id, $1)) || ' ' ||
              (SELECT sum(xmin::text::bigint) FROM conversion_result WHERE NOT starts_with(order_line_id, $1)) AS written`,
      [prefix],
    );
    const told = this.world.appended.filter((event) => !event.orderLineId.startsWith(prefix));
    return `${rows[0]?.written} ${told.length}`;
  }

  /** Event time is past everything by now, in every partition: what comes with an older time is late. */
  async lateRows(): Promise<void> {
    const { step, figure, check } = this.context;
    step('Rows behind the watermark');
    for (const { counted, late, deadLetters } of this.#late) {
      this.#oracle.addMatch(counted);
      const rows = new Map(late.conversionEvents.map((row) => [orderLineIdOf(row), row]));
      for (const [orderLineId, reason] of deadLetters)
        this.#oracle.addDeadLetter(rows.get(orderLineId), reason);
    }
    const late = this.#late.map((log) => log.late);
    await this.world.append('counts', late);
    await this.world.append('match', late);
    const counted = () => this.world.statuses()['performance-5m']?.figures?.lateRecords ?? 0;
    await poll('late impressions are counted', async () => counted() > 0, COUNTED_WITHIN_MS, 500).catch(
      () => null,
    );
    figure('late rows that performance counted', counted());
    check('late rows are counted', counted() > 0);
    await this.compare('After the late rows');
  }

  async fates(): Promise<void> {
    const { step, figure, check } = this.context;
    step('Sent = joined + unmatched + dead-lettered');
    const { db } = this.world;
    const one = async (sql: string) =>
      Number((await db.appPool.query<{ n: string }>(`SELECT coalesce(${sql}, 0) AS n`)).rows[0]?.n);
    const joined = await one('(SELECT count(*) FROM conversion_result)');
    const unmatched = await one('(SELECT sum(unmatched) FROM order_line_fate_5m)');
    const matched = await one('(SELECT sum(direct + indirect) FROM order_line_fate_5m)');
    const setAside = await one(
      "(SELECT count(*) FROM match_set_aside WHERE record_type = 'ORDER_LINE_PLACED')",
    );
    figure('order lines sent', this.#oracle.sent);
    figure('joined / unmatched / dead-lettered', `${joined} / ${unmatched} / ${setAside}`);
    check('sent = joined + unmatched + dead-lettered', this.#oracle.sent === joined + unmatched + setAside);
    check('the match counts as many joined as there are', joined === matched, `${matched} counted`);
    const events = this.world.appended;
    const bound = LONGEST_EMISSION_DELAY_MS;
    const early = events.filter(({ recordedAt, convertedAt }) => recordedAt < convertedAt);
    const afterwards = events.filter((event) => event.recordedAt > toldFrom(event) + bound);
    figure(
      'conversion events appended / different ids',
      `${events.length} / ${new Set(events.map((event) => event.eventId)).size}`,
    );
    check('each is told after its order line and within an hour', early.length + afterwards.length === 0);
  }
}

/** What an event waits for before it can be told. */
const toldFrom = (event: ConversionEventRow) =>
  event.type === 'AD_CONVERSION_REVERSED' ? Math.max(event.convertedAt, event.reversedAt) : event.convertedAt;

const orderLineIdOf = (row: unknown) =>
  typeof row === 'object' && row !== null && 'orderLineId' in row ? String(row.orderLineId) : '';

const PARTS: readonly (readonly [Part, string])[] = [
  ['conversions', 'conversions in PostgreSQL'],
  ['conversionEvents', 'conversions on ad-events'],
  ['deadLetters', 'dead letters of the match'],
  ['windows', 'five-minute windows in PostgreSQL'],
  ['metrics', 'newest metrics in Redis'],
  ['rankings', 'rankings in Redis'],
  ['acknowledged', 'acknowledged campaigns in Redis'],
  ['clickThrough', 'click-through counts in PostgreSQL'],
];

/** The match appends its own. */
const withoutConversions = (log: EventLog): EventLog => ({
  ...log,
  campaignEvents: [],
  adEvents: log.adEvents.filter((row) => textIn(row, 'type')?.startsWith('AD_CONVER') !== true),
});

function differences(wanted: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  const lines: string[] = [];
  for (const [key, text] of wanted)
    if (found.get(key) !== text) lines.push(`${key}: ${text}, but found ${found.get(key) ?? 'nothing'}`);
  for (const [key, text] of found) if (!wanted.has(key)) lines.push(`${key}: nothing, but found ${text}`);
  return lines;
}
