import type { AdClicked } from '../contracts/events/ad-events.js';
import type { ServingStop } from '../contracts/serving-stop.js';
import { budgetCrossings } from '../domain/budget-crossing.js';
import type { ClickDecision, FoldResult } from '../domain/charging.js';
import { type ClickId, issuedMonthOf } from '../domain/click-id.js';
import { CLICK_RULES_VERSION } from '../domain/invalid-click-rules.js';
import { clickChargeLines, postToWallet, type Wallet } from '../domain/ledger.js';
import { addKrw, type Krw, ZERO_KRW } from '../domain/money.js';
import { invariant } from '../domain/result.js';
import type { Queryable } from '../infra/postgres.js';
import type { ChargingFacts } from './charge-clicks-reads.js';
import { ACCOUNTS_OF_ADVERTISERS } from './post-ledger.js';
import { toStopRow } from './serving-stops.js';

/**
 * The arguments of `write_charges` are JSON arrays of rows whose fields are named like the columns: one statement
 * writes all tables, and a batch costs one encoding.
 */
export interface ChargesToWrite {
  readonly facts: ChargingFacts;
  readonly fresh: readonly AdClicked[];
  readonly folded: FoldResult;
}

export interface WrittenCharges {
  readonly stops: readonly ServingStop[];
  /** Row version of a balance or a budget after this transaction. */
  versionOf(scope: 'campaign' | 'advertiser', id: string): number;
}

interface Decided {
  readonly click: AdClicked;
  readonly decision: ClickDecision;
}

/** The charged clicks of one advertiser and campaign: one ledger transaction. */
interface ChargeGroup {
  /** 1 for the first of the batch. */
  readonly no: number;
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly causeKey: string;
  cashKrw: Krw;
  promoKrw: Krw;
}

type Groups = ReadonlyMap<string, ChargeGroup>;
const groupKey = (click: AdClicked) => `${click.advertiserId}\n${click.campaignId}`;

/** Everything that the decided clicks change, in one statement. The caller holds all locks. */
export async function writeCharges(client: Queryable, charges: ChargesToWrite): Promise<WrittenCharges> {
  const { facts, fresh, folded } = charges;
  const decided = fresh.map((click, index): Decided => {
    const decision = folded.decisions[index];
    invariant(decision?.clickId === click.clickId, 'the fold answers every click in order');
    return { click, decision };
  });
  const groups = groupCharges(decided);
  const { entries, wallets } = postGroups(groups, charges);
  const stops = fresh.length === 0 ? [] : await write(client, charges, { decided, groups, entries, wallets });
  const changed = new Set([...groups.values()].map(({ campaignId }) => `campaign:${campaignId}`));
  for (const id of wallets.keys()) changed.add(`advertiser:${id}`);
  return {
    stops,
    versionOf: (scope, id) => {
      const key = `${scope}:${id}`;
      return (facts.versions.get(key) ?? 0) + (changed.has(key) ? 1 : 0);
    },
  };
}

interface Prepared {
  readonly decided: readonly Decided[];
  readonly groups: Groups;
  readonly entries: readonly EntryRow[];
  readonly wallets: ReadonlyMap<string, Wallet>;
}

async function write(
  client: Queryable,
  { facts, folded }: ChargesToWrite,
  { decided, groups, entries, wallets }: Prepared,
): Promise<readonly ServingStop[]> {
  const { bookedAt, bookedDate } = facts.booking;
  const crossings = budgetCrossings(facts.state, folded.state, facts.percentsOf, bookedDate);
  const { rows } = await client.query<{ stops: ServingStop[] }>({
    name: 'write-charges',
    text: 'SELECT write_charges($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS stops',
    values: [
      bookedAt.toISOString(),
      bookedDate,
      CLICK_RULES_VERSION,
      JSON.stringify([...groups.values()].map(transactionRow)),
      JSON.stringify(entries),
      JSON.stringify(decided.map((one) => clickRow(one, groups))),
      JSON.stringify([...wallets].map(walletRow)),
      JSON.stringify(lotRows(decided)),
      JSON.stringify(campaignRows(decided, facts)),
      JSON.stringify(folded.stops.map(toStopRow)),
      JSON.stringify(crossings.map(crossingRow)),
    ],
  });
  return rows[0]?.stops ?? [];
}

function groupCharges(decided: readonly Decided[]): Map<string, ChargeGroup> {
  const groups = new Map<string, ChargeGroup>();
  for (const { click, decision } of decided) {
    if (decision.outcome !== 'charged') continue;
    const key = groupKey(click);
    const { advertiserId, campaignId, clickId } = click;
    const group = groups.get(key) ?? {
      no: groups.size + 1,
      advertiserId,
      campaignId,
      causeKey: clickId,
      cashKrw: ZERO_KRW,
      promoKrw: ZERO_KRW,
    };
    group.cashKrw = addKrw(group.cashKrw, decision.cashKrw);
    group.promoKrw = addKrw(group.promoKrw, decision.promoKrw);
    groups.set(key, group);
  }
  return groups;
}

interface EntryRow {
  readonly transaction_no: number;
  readonly line_no: number;
  readonly account: string;
  readonly advertiser_id: string | null;
  readonly amount_krw: number;
  readonly advertiser_seq: number | null;
  readonly balance_after_krw: number | null;
}

/** Runs each wallet through its groups; its cash must end where the fold ended. */
function postGroups(
  groups: Groups,
  { facts, folded }: ChargesToWrite,
): { entries: EntryRow[]; wallets: Map<string, Wallet> } {
  const wallets = new Map<string, Wallet>();
  const entries: EntryRow[] = [];
  for (const group of groups.values()) {
    const { advertiserId } = group;
    const wallet = wallets.get(advertiserId) ?? facts.wallets.get(advertiserId);
    invariant(wallet, `charged ${advertiserId} without a wallet`);
    const after = postToWallet(wallet, clickChargeLines(group));
    wallets.set(advertiserId, after.wallet);
    for (const line of after.posted) {
      entries.push({
        transaction_no: group.no,
        line_no: line.lineNo,
        account: line.account,
        advertiser_id: ACCOUNTS_OF_ADVERTISERS.has(line.account) ? advertiserId : null,
        amount_krw: line.amountKrw,
        advertiser_seq: line.advertiserSeq,
        balance_after_krw: line.balanceAfterKrw,
      });
    }
  }
  for (const [id, wallet] of wallets) {
    invariant(
      folded.state.advertisers.get(id)?.cashKrw === wallet.cashKrw,
      `ledger and fold disagree on ${id}`,
    );
  }
  return { entries, wallets };
}

const transactionRow = (group: ChargeGroup) => ({
  transaction_no: group.no,
  advertiser_id: group.advertiserId,
  campaign_id: group.campaignId,
  cause_key: group.causeKey,
});

const iso = (epochMs: number) => new Date(epochMs).toISOString();

const clickRow = ({ click, decision }: Decided, groups: Groups) => ({
  click_id: click.clickId,
  issued_month: issuedMonthOf(click.clickId as ClickId),
  request_id: click.requestId,
  advertiser_id: click.advertiserId,
  campaign_id: click.campaignId,
  ad_id: click.adId,
  product_id: click.productId,
  placement: click.placement,
  slot: click.slot,
  token_price_krw: click.tokenPriceKrw,
  price_reason: click.priceReason,
  token_issued_at: iso(click.tokenIssuedAt),
  clicked_at: iso(click.clickedAt),
  recorded_at: iso(click.recordedAt),
  device_hash: click.deviceHash,
  ip_hash: click.ipHash,
  signals: click.signals,
  outcome: decision.outcome,
  reason: decision.reason,
  charged_krw: decision.chargedKrw,
  cash_krw: decision.cashKrw,
  promo_krw: decision.promoKrw,
  promo_lots: decision.promoLots.length === 0 ? null : decision.promoLots,
  transaction_no: decision.outcome === 'charged' ? (groups.get(groupKey(click))?.no ?? null) : null,
});

const walletRow = ([advertiserId, wallet]: readonly [string, Wallet]) => ({
  advertiser_id: advertiserId,
  cash_krw: wallet.cashKrw,
  promo_krw: wallet.promoKrw,
  seq: wallet.seq,
});

function lotRows(decided: readonly Decided[]) {
  const taken = new Map<number, number>();
  for (const { decision } of decided) {
    for (const { lotId, krw } of decision.promoLots) taken.set(lotId, (taken.get(lotId) ?? 0) + krw);
  }
  return [...taken].map(([id, krw]) => ({ id, taken_krw: krw }));
}

/** Spend per campaign; valid clicks that nobody could pay are remembered beside it as over-delivery. */
function campaignRows(decided: readonly Decided[], { state }: ChargingFacts) {
  const rows = new Map<string, ReturnType<typeof nothingSpent>>();
  for (const { click, decision } of decided) {
    if (decision.outcome === 'invalid') continue;
    const row = rows.get(click.campaignId) ?? nothingSpent(click, state);
    rows.set(click.campaignId, row);
    if (decision.outcome === 'charged') {
      row.spent_krw += decision.chargedKrw;
      row.charged_clicks += 1;
    } else {
      row.over_delivery_krw += click.tokenPriceKrw;
      row.over_delivery_clicks += 1;
    }
  }
  return [...rows.values()];
}

const nothingSpent = ({ campaignId, advertiserId }: AdClicked, state: ChargingFacts['state']) => ({
  campaign_id: campaignId,
  advertiser_id: advertiserId,
  budget_krw: state.campaigns.get(campaignId)?.dailyBudgetKrw ?? 0,
  spent_krw: 0,
  charged_clicks: 0,
  over_delivery_krw: 0,
  over_delivery_clicks: 0,
});

const crossingRow = (crossing: ReturnType<typeof budgetCrossings>[number]) => ({
  campaign_id: crossing.campaignId,
  advertiser_id: crossing.advertiserId,
  kind: crossing.kind,
  basis: crossing.basis,
  percent: crossing.percent,
  budget_krw: crossing.budgetKrw,
  spent_krw: crossing.spentKrw,
});
