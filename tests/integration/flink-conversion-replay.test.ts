import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOPICS } from '../../contracts/topics.js';
import { addDays, businessDateOf, DAY_MS, startOfBusinessDate } from '../../domain/business-date.js';
import {
  CONVERSION_RULES,
  type ConversionRules,
  REVERSAL_HORIZON_MS,
} from '../../domain/conversion-match.js';
import { askedConversionRules } from '../../domain/conversion-rules.js';
import { createMetrics } from '../../infra/metrics.js';
import { applyConversionReplay, undoConversionReplay } from '../../operations/apply-conversion-replay.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { type ConversionReplayDiff, diffConversionReplay } from '../../operations/diff-conversion-replay.js';
import { failConversionReplay } from '../../operations/finish-conversion-replay.js';
import { readConversionReplay } from '../../operations/read-conversion-replays.js';
import { readPerformance } from '../../operations/read-performance.js';
import { readReportDisclosure } from '../../operations/read-report-disclosure.js';
import { flinkCommand } from '../../processes/flink-command.js';
import { diffCsv, diffTable } from '../../processes/flink-replay-text.js';
import { randomConversionLog } from '../support/flink/conversion-log.js';
import { delivered, fund } from '../support/money.js';
import { printedBy } from '../support/printed-by.js';
import { differenceOf, reportOf, standing } from './flink-conversion-replay-expected.js';
import {
  asRows,
  matchedBy,
  moneyTables,
  openReplayWorld,
  type ReplayedLog,
  type ReplayWorld,
  rowsOfReplay,
  shownRows,
  writeDeployedResults,
} from './flink-conversion-replay-world.js';

const SEED = 20_261_127;
const CLICKS = 1_500;
const BY = { actorId: 'usr_admin', actorRole: 'admin', via: 'cli' } as const;

const numbered = (version: string): ConversionRules => {
  const rules = askedConversionRules({ version });
  if (!rules.ok) throw new Error(rules.error.message);
  return rules.value;
};
const DIRECT_ONLY = numbered('2');
const WEEK = numbered('5');

/** Two campaigns of each seller, so that another rule can move an order line from one to the other. */
function logOfTwoCampaigns(): ReplayedLog {
  const log = randomConversionLog(SEED, CLICKS);
  const adEvents = log.adEvents.map((event) =>
    event.type === 'AD_CLICKED'
      ? { ...event, campaignId: `${event.campaignId}-${Number(event.productId.slice(-1)) % 2}` }
      : event,
  );
  return { ...log, adEvents };
}

const log = logOfTwoCampaigns();
const deployed = matchedBy(log, CONVERSION_RULES);
const firstDay = businessDateOf(Math.min(...deployed.map((row) => row.convertedAt)));
const lastDay = businessDateOf(Math.max(...deployed.map((row) => row.convertedAt)));
const middleDay = addDays(firstDay, 2);
const isMiddle = ({ convertedAt }: { readonly convertedAt: number }) =>
  convertedAt >= startOfBusinessDate(middleDay) && convertedAt < startOfBusinessDate(addDays(middleDay, 1));

let world: ReplayWorld;
beforeAll(async () => {
  console.log(`random log, seed ${SEED}: ${deployed.length} conversions by the deployed rules`);
  world = await openReplayWorld(log);
  await writeDeployedResults(world, deployed);
  const budget = { campaignId: 'c0-0', advertiserId: 's0', dailyBudgetKrw: 5_000, totalBudgetKrw: null };
  await fund(world.db.appPool, budget, 10_000);
  const clicks = ['one', 'two'].map((name) =>
    delivered({ name, advertiserId: 's0', campaignId: 'c0-0', priceKrw: 300 }),
  );
  await chargeClicks(world.db.appPool, clicks, { bidFloorKrw: 50 });
}, 120_000);
afterAll(() => world.close(), 60_000);

async function replayed(wish: Parameters<ReplayWorld['start']>[0]) {
  const begun = await world.start(wish);
  if (!begun.ok) throw new Error(`${begun.error.code}: ${begun.error.message}`);
  const ended = await world.untilEnded(begun.value.replay);
  expect(ended, String(ended.detail)).toMatchObject({ state: 'done' });
  return ended;
}

const ended = new Map<string, number>();
/** Replays of this file, made once. */
async function replayOf(name: string, wish: Parameters<ReplayWorld['start']>[0]): Promise<number> {
  const id = ended.get(name) ?? (await replayed(wish)).id;
  ended.set(name, id);
  return id;
}
const directOnly = () => replayOf('direct', { rules: DIRECT_ONLY });
const middleByWeek = () => replayOf('week', { rules: WEEK, from: middleDay, to: middleDay });

async function diffOf(id: number): Promise<ConversionReplayDiff> {
  const diff = await diffConversionReplay(world.db.appPool, id);
  if (!diff.ok) throw new Error(diff.error.message);
  return diff.value;
}

/** Order lines that a test cancelled after the log: a replay that is made later knows it, the log does not. */
const cancelledLater = new Set<string>();
async function cancel(orderLineId: string, cancelledAt: number): Promise<void> {
  cancelledLater.add(orderLineId);
  await world.cancel(orderLineId, cancelledAt);
}

/** What the report of an advertiser shows per campaign. */
async function reported(advertiserId: string) {
  const range = { from: firstDay, to: addDays(lastDay, 1) };
  const rows = await readPerformance(world.db.appPool, {
    ...range,
    advertiserId,
    groupBy: 'campaign',
    afterKey: null,
    limit: null,
  });
  return rows
    .filter((row) => row.directConversions + row.indirectConversions > 0)
    .map((row) => [row.key, row.directConversions, row.indirectConversions, row.conversionValueKrw]);
}

describe('a replay of attribution on the real Flink', () => {
  it('is what the rules of domain/ say of the kept log, row for row, and touches nothing else', async () => {
    const before = await shownRows(world);
    const ends = await world.admin.fetchTopicOffsets(world.topic(TOPICS.adEvents));
    const id = await directOnly();
    const expected = matchedBy(log, DIRECT_ONLY);
    expect(expected.length).toBeGreaterThan(100);
    expect(await rowsOfReplay(world, id)).toEqual(asRows(expected));
    expect(await readConversionReplay(world.db.appPool, id)).toMatchObject({
      fromMs: 0,
      rules: DIRECT_ONLY,
      conversions: expected.length,
      direct: expected.length,
      reversed: expected.filter((row) => row.reversedAt !== null).length,
    });
    expect(await shownRows(world)).toEqual(before);
    expect(before).toEqual(asRows(deployed));
    expect(await world.admin.fetchTopicOffsets(world.topic(TOPICS.adEvents))).toEqual(ends);
  });

  it('decides only the days that it was asked for, also with clicks of days before', async () => {
    const id = await middleByWeek();
    const expected = matchedBy(log, WEEK).filter(isMiddle);
    expect(expected.length).toBeGreaterThan(deployed.filter(isMiddle).length);
    expect(expected.some((row) => row.convertedAt - row.clickedAt > DAY_MS)).toBe(true);
    expect(await rowsOfReplay(world, id)).toEqual(asRows(expected));
  });

  it('asked again over the same log, is the same replay', async () => {
    const id = await directOnly();
    const again = await world.start({ rules: DIRECT_ONLY });
    expect(again).toMatchObject({ ok: true, value: { isNew: false, replay: { id } } });
    const sameDays = await world.start({ rules: WEEK, from: middleDay, to: middleDay });
    expect(sameDays).toMatchObject({
      ok: true,
      value: { isNew: false, replay: { id: await middleByWeek() } },
    });
  });

  it('runs one at a time; a cancelled one leaves no row, and its job can write none', async () => {
    const begun = await world.start({ rules: numbered('4') });
    if (!begun.ok) throw new Error(begun.error.message);
    const { id } = begun.value.replay;
    expect(await world.start({ rules: numbered('3') })).toMatchObject({
      ok: false,
      error: { code: 'wrong_status', nextStep: `Wait for its end, or cancel it (replay cancel ${id}).` },
    });
    await failConversionReplay(world.db.appPool, id, 'cancelled by usr_admin', BY);
    await world.flinkPool.query(
      `INSERT INTO conversion_replay_row (replay_id, order_line_id, click_id, ad_id, campaign_id, advertiser_id, placement,
         product_id, match, quantity, conversion_value_krw, clicked_at_ms, converted_at_ms, rules_version)
       VALUES ($1, 'o', 'k', 'a', 'c', 's', 'HOME', 'p', 'direct', 1, 1, 1, 1, 1)`,
      [id],
    );
    await world.untilNoJobRuns();
    expect(await rowsOfReplay(world, id)).toEqual([]);
    expect(await readConversionReplay(world.db.appPool, id)).toMatchObject({ state: 'failed' });
    expect(await applyConversionReplay(world.db.appPool, { id, ...BY })).toMatchObject({
      ok: false,
      error: { code: 'wrong_status' },
    });
  });
});

describe('the difference', () => {
  it('is counted per campaign, per advertiser and in all, as one order line after the other says', async () => {
    const diff = await diffOf(await directOnly());
    const expected = differenceOf(deployed, matchedBy(log, DIRECT_ONLY));
    expect(diff.campaigns).toEqual(expected);
    expect(diff.campaigns.length).toBe(6);
    const lost = expected.reduce((sum, row) => sum + Number(row.lost), 0);
    expect(lost).toBeGreaterThan(100);
    expect(diff.totals).toMatchObject({ lost, gained: 0, movedIn: 0, movedOut: 0, matchChanged: 0 });
    expect(diff.advertisers.map((row) => row.advertiserId)).toEqual(['s0', 's1', 's2']);
    expect(diff.advertisers.reduce((sum, row) => sum + row.valueReplayedKrw, 0)).toBe(
      diff.totals.valueReplayedKrw,
    );
  });

  it('knows what is gained, what moves to another campaign, and what becomes another match', async () => {
    const id = await replayOf('latest', { rules: numbered('4') });
    const diff = await diffOf(id);
    expect(diff.campaigns).toEqual(differenceOf(deployed, matchedBy(log, numbered('4'))));
    expect(diff.totals.movedIn).toBeGreaterThan(0);
    expect(diff.totals.movedIn).toBe(diff.totals.movedOut);
    expect(diff.totals.matchChanged).toBeGreaterThan(0);
    const week = await diffOf(await middleByWeek());
    expect(week.campaigns).toEqual(
      differenceOf(deployed.filter(isMiddle), matchedBy(log, WEEK).filter(isMiddle)),
    );
    expect(week.totals.gained).toBeGreaterThan(0);
  });

  it('is a file with every campaign, and pages in a terminal', async () => {
    const diff = await diffOf(await directOnly());
    const lines = [...diffCsv(diff)];
    expect(lines).toHaveLength(diff.campaigns.length + 2);
    expect(lines.at(-1)).toBe(
      `,total,${diff.totals.conversionsNow},${diff.totals.conversionsReplayed},${diff.totals.valueNowKrw},${diff.totals.valueReplayedKrw},0,${diff.totals.lost},0,0,0,${diff.totals.clickChanged}\r\n`,
    );
    const first = diffTable(diff, { byAdvertiser: false, after: null, limit: 4 });
    expect(first).toContain('More: --after s1/c1-1');
    const second = diffTable(diff, { byAdvertiser: false, after: 's1/c1-1', limit: 4 });
    expect(second).toContain('s2/c2-0');
    expect(second).not.toContain('s1/');
    expect(second).not.toContain('More');
  });
});

describe('an applied replay', () => {
  it('is what reports show and say, until it is undone; no money moves', async () => {
    const id = await directOnly();
    const money = await moneyTables(world);
    expect(Object.keys(money)).toEqual(
      expect.arrayContaining(['ledger_entry', 'click_charge', 'advertiser_balance', 'settlement_line']),
    );
    expect(money.click_charge).toMatch(/^2 /);
    const shown = matchedBy(log, DIRECT_ONLY);
    expect(await reported('s0')).toEqual(reportOf(deployed, 's0'));

    for (const _twice of [1, 2])
      expect(await applyConversionReplay(world.db.appPool, { id, ...BY })).toMatchObject({
        ok: true,
        value: { state: 'applied', appliedBy: 'usr_admin' },
      });
    expect(await shownRows(world)).toEqual(asRows(shown));
    for (const advertiserId of ['s0', 's1', 's2'])
      expect(await reported(advertiserId)).toEqual(reportOf(shown, advertiserId));
    const disclosure = await readReportDisclosure(world.db.appPool, { from: firstDay, to: lastDay });
    expect(disclosure.at(-1)).toContain(`전환 재계산 ${id}: 처음부터`);
    expect(disclosure.at(-1)).toContain('기여 규칙 버전 2(클릭 후 24시간, 직접 전환만)');
    expect(await diffOf(id)).toMatchObject({ campaigns: differenceOf(deployed, shown) });

    for (const _twice of [1, 2])
      expect(await undoConversionReplay(world.db.appPool, { id, ...BY })).toMatchObject({
        ok: true,
        value: { state: 'undone' },
      });
    expect(await shownRows(world)).toEqual(asRows(deployed));
    expect(await reported('s0')).toEqual(reportOf(deployed, 's0'));
    expect(await moneyTables(world)).toEqual(money);
    const { rows: audit } = await world.db.appPool.query(
      `SELECT action, actor_id FROM audit_log WHERE object_type = 'conversion_replay' AND object_id = $1 ORDER BY id`,
      [String(id)],
    );
    expect(audit.map(({ action }) => action)).toEqual([
      'conversion_replay.started',
      'conversion_replay.applied',
      'conversion_replay.undone',
    ]);
  });

  it('gives way to the next one where both hold, and comes back when that one is undone', async () => {
    const [first, second] = [await directOnly(), await middleByWeek()];
    await applyConversionReplay(world.db.appPool, { id: first, ...BY });
    await applyConversionReplay(world.db.appPool, { id: second, ...BY });
    const direct = matchedBy(log, DIRECT_ONLY);
    const week = matchedBy(log, WEEK).filter(isMiddle);
    expect(await shownRows(world)).toEqual(asRows([...direct.filter((row) => !isMiddle(row)), ...week]));
    expect((await diffOf(second)).campaigns).toEqual(differenceOf(direct.filter(isMiddle), week));
    await undoConversionReplay(world.db.appPool, { id: second, ...BY });
    expect(await shownRows(world)).toEqual(asRows(direct));
    await undoConversionReplay(world.db.appPool, { id: first, ...BY });
    expect(await shownRows(world)).toEqual(asRows(deployed));
  });

  it('loses an order line that is cancelled later, and leaves new ones to the deployed rules', async () => {
    const id = await directOnly();
    await applyConversionReplay(world.db.appPool, { id, ...BY });
    const [line, old] = standing(matchedBy(log, DIRECT_ONLY));
    if (line === undefined || old === undefined) throw new Error('the log has too few conversions');
    const reversedAt = line.convertedAt + 60_000;
    await cancel(line.orderLineId, reversedAt);
    await cancel(line.orderLineId, reversedAt + 1);
    await cancel(old.orderLineId, old.convertedAt + REVERSAL_HORIZON_MS + 1);
    const shown = new Map((await shownRows(world)).map((row) => [row.orderLineId, row]));
    expect(shown.get(line.orderLineId)).toMatchObject({ reversedAt });
    expect(shown.get(old.orderLineId)).toMatchObject({ reversedAt: null });

    const later = { ...line, orderLineId: 'later:1', match: 'indirect' as const, reversedAt: null };
    const convertedAt = Date.now() + DAY_MS;
    await writeDeployedResults(world, [{ ...later, clickedAt: convertedAt, convertedAt }]);
    expect((await shownRows(world)).filter((row) => row.orderLineId === 'later:1')).toHaveLength(1);
    await undoConversionReplay(world.db.appPool, { id, ...BY });

    const week = await middleByWeek();
    const known = new Set(deployed.map((row) => row.orderLineId));
    const gained = standing(matchedBy(log, WEEK).filter(isMiddle)).find((row) => !known.has(row.orderLineId));
    if (gained === undefined) throw new Error('nothing was gained');
    await cancel(gained.orderLineId, gained.convertedAt + 1);
    expect(
      (await rowsOfReplay(world, week)).find((row) => row.orderLineId === gained.orderLineId),
    ).toMatchObject({ reversedAt: gained.convertedAt + 1 });
  });
});

describe('npm run flink -- replay', () => {
  const context = () => ({
    config: world.config,
    log: world.logger,
    metrics: createMetrics({ defaultMetrics: false }),
  });
  const run = (...args: string[]) => printedBy(() => flinkCommand(context(), ['replay', ...args]));

  it('starts, compares, applies only when it is confirmed, and takes back', async () => {
    const id = String(await directOnly());
    expect(await run('rules')).toMatchObject({ code: 0, text: expect.stringContaining('(deployed)') });
    const again = await run('start', '--rules', '2');
    expect(again).toMatchObject({ code: 0, text: expect.stringContaining('This was asked before') });
    expect(await run('diff', id)).toMatchObject({ code: 0, text: expect.stringContaining('all 6') });
    expect((await run('diff', id, '--csv')).text.split('\r\n')).toHaveLength(9);
    const unsure = await run('apply', id);
    expect(unsure).toMatchObject({ code: 1, text: expect.stringContaining('--yes') });
    expect(await run('status', id)).toMatchObject({ code: 0, text: expect.stringMatching(/: (un)?done/) });
    expect(await run('apply', id, '--yes', '--by', 'usr_ops')).toMatchObject({ code: 0 });
    expect(await run('list')).toMatchObject({ code: 0, text: expect.stringContaining(`${id}  applied`) });
    expect(await run('undo', id, '--yes')).toMatchObject({ code: 0 });
  });

  it('follows a new one to its end', async () => {
    const { code, text } = await run('start', '--click-window-hours', '6', '--no-indirect');
    expect(text).toMatch(/: running[\s\S]*: done/);
    expect(code).toBe(0);
  });

  it.each([
    [2, ['begin']],
    [2, ['status']],
    [2, ['diff', 'one']],
    [2, ['list', '1']],
    [2, ['start', '--rule', '2']],
    [2, ['apply', '1', '--from', '2026-11-01', '--yes']],
    [1, ['status', '999999']],
    [1, ['start', '--rules', '99']],
    [1, ['start']],
    [1, ['start', '--rules', '3', '--from', '2026-02-30']],
  ] as const)('ends with %i and says what to do: %j', async (code, args) => {
    const answer = await run(...args);
    expect(answer.code).toBe(code);
    expect(answer.text).not.toBe('');
  });
});

describe('a log that was cut', () => {
  it('decides order lines only from where their clicks are whole, and says so', async () => {
    const topic = world.topic(TOPICS.adEvents);
    const [cut] = (await world.admin.fetchTopicOffsets(topic)).filter(({ high }) => Number(high) > 10);
    if (cut === undefined) throw new Error('no partition has clicks');
    const offset = String(Math.floor(Number(cut.high) / 10));
    await world.admin.deleteTopicRecords({ topic, partitions: [{ partition: cut.partition, offset }] });
    expect(await world.start({ rules: DIRECT_ONLY, from: firstDay, to: lastDay })).toMatchObject({
      ok: false,
      error: { code: 'log_not_kept' },
    });
    const begun = await replayed({ rules: numbered('3') });
    expect(begun.fromMs - begun.logFromMs).toBe(DAY_MS + DAY_MS / 2);
    expect(begun.logFromMs).toBeGreaterThan(startOfBusinessDate(firstDay));
    const expected = matchedBy(log, numbered('3')).filter((row) => row.convertedAt >= begun.fromMs);
    expect(expected.length).toBeGreaterThan(10);
    const asTheLogSays = (row: { orderLineId: string }) => !cancelledLater.has(row.orderLineId);
    expect((await rowsOfReplay(world, begun.id)).filter(asTheLogSays)).toEqual(
      asRows(expected.filter(asTheLogSays)),
    );
  });
});
