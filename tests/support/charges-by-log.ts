import type { AdClicked } from '../../contracts/events/ad-events.js';
import type { ClickOutcome } from '../../domain/click-outcome.js';
import { toKrw } from '../../domain/money.js';
import type { DatabasePool } from '../../infra/postgres.js';
import { decidedByHand } from '../simulation/judge.js';
import type { JournalEntry } from '../simulation/store.js';
import type { ClickLog } from './click-log.js';
import type { FundedBusiness } from './funded-advertisers.js';

interface ChargeRow {
  click_id: string;
  outcome: ClickOutcome;
  charged_krw: number;
  cash_krw: number;
  promo_krw: number;
  booked_at: Date;
}

export interface LogComparison {
  readonly clicks: number;
  readonly repeats: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** In the log without a row, or without AD_CLICK_DECIDED. */
  readonly undecided: number;
  readonly untold: number;
  /** Rows of clicks that are not in the log. */
  readonly strangers: number;
  /** Rows that differ from the log decided by hand, partition by partition. */
  readonly differences: readonly string[];
  /** The clicks around the first difference, of the same campaign, in the order of the log. */
  readonly around: readonly string[];
}

/** Every click of the log against its row: decided once, in the order of its partition, as a clerk would. */
export async function chargesByLog(
  { pool, initial }: Pick<FundedBusiness, 'pool' | 'initial'>,
  log: ClickLog,
): Promise<LogComparison> {
  const rows = await chargeRows(pool);
  const outcomes: Record<string, number> = {};
  for (const { outcome } of rows.values()) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const unique = log.clicked.map(firstAppearances);
  const all = unique.flat();
  const ids = new Set(all.map(({ clickId }) => clickId));
  const differences = unique.flatMap((partition) => decidedByHand(initial, journalOf(partition, rows)));
  const first = all.find(({ clickId }) => differences[0]?.startsWith(clickId) === true);
  return {
    clicks: ids.size,
    repeats: log.clicked.flat().length - all.length,
    outcomes,
    undecided: all.filter(({ clickId }) => !rows.has(clickId)).length,
    untold: all.filter(({ clickId }) => !log.told.has(clickId)).length,
    strangers: [...rows.keys()].filter((clickId) => !ids.has(clickId)).length,
    differences,
    around: first === undefined ? [] : neighbours(all, rows, first),
  };
}

const NEIGHBOURS = 8;

function neighbours(
  all: readonly AdClicked[],
  rows: ReadonlyMap<string, ChargeRow>,
  { clickId, campaignId }: AdClicked,
): string[] {
  const ofCampaign = all.filter((click) => click.campaignId === campaignId);
  const at = ofCampaign.findIndex((click) => click.clickId === clickId);
  return ofCampaign.slice(Math.max(0, at - NEIGHBOURS), at + NEIGHBOURS).map((click) => {
    const row = rows.get(click.clickId);
    const stored = `${row?.outcome} ${row?.charged_krw}, booked ${row?.booked_at.toISOString()}`;
    return `${click.clickId} recorded ${new Date(click.recordedAt).toISOString()}, ${click.tokenPriceKrw} won: ${stored}`;
  });
}

function firstAppearances(clicks: readonly AdClicked[]): AdClicked[] {
  const first = new Map<string, AdClicked>();
  for (const click of clicks) if (!first.has(click.clickId)) first.set(click.clickId, click);
  return [...first.values()];
}

async function chargeRows(pool: DatabasePool): Promise<Map<string, ChargeRow>> {
  const { rows } = await pool.query<ChargeRow>(
    'SELECT click_id, outcome, charged_krw, cash_krw, promo_krw, booked_at FROM click_charge',
  );
  return new Map(rows.map((row) => [row.click_id, row]));
}

/** First appearances in the order of the log, with what was stored of them. */
function journalOf(clicks: readonly AdClicked[], rows: ReadonlyMap<string, ChargeRow>): JournalEntry[] {
  return clicks.flatMap((click) => {
    const row = rows.get(click.clickId);
    if (row === undefined) return [];
    return [
      {
        kind: 'click' as const,
        click: {
          clickId: click.clickId,
          advertiserId: click.advertiserId,
          campaignId: click.campaignId,
          tokenPriceKrw: toKrw(click.tokenPriceKrw),
          signals: click.signals,
          isOwnAccountDevice: false,
        },
        decision: {
          clickId: row.click_id,
          outcome: row.outcome,
          chargedKrw: toKrw(row.charged_krw),
          cashKrw: toKrw(row.cash_krw),
          promoKrw: toKrw(row.promo_krw),
        },
        nowMs: row.booked_at.getTime(),
      },
    ];
  });
}
