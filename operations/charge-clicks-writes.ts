import type { AdClicked } from '../contracts/events/ad-events.js';
import type { ServingStop } from '../contracts/serving-stop.js';
import { budgetCrossings } from '../domain/budget-crossing.js';
import type { ClickDecision, FoldResult } from '../domain/charging.js';
import { CLICK_RULES_VERSION } from '../domain/invalid-click-rules.js';
import { clickChargeLines, type PostedLine, postToWallet, type Wallet } from '../domain/ledger.js';
import { addKrw, type Krw, ZERO_KRW } from '../domain/money.js';
import { invariant } from '../domain/result.js';
import { arrayLiteral, type Queryable } from '../infra/postgres.js';
import type { ChargingFacts } from './charge-clicks-reads.js';
import { ACCOUNTS_OF_ADVERTISERS } from './post-ledger.js';
import { toStopRow } from './serving-stops.js';

export interface ChargesToWrite {
  readonly facts: ChargingFacts;
  readonly fresh: readonly AdClicked[];
  /** The partition of each click. */
  readonly monthOf: ReadonlyMap<string, string>;
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
  /** Of charged clicks. */
  readonly group: ChargeGroup | null;
}

/** The charged clicks of one campaign, and so of one advertiser: one ledger transaction. */
interface ChargeGroup {
  /** 1 for the first of the batch. */
  readonly no: number;
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly causeKey: string;
  cashKrw: Krw;
  promoKrw: Krw;
}

/** Everything that the decided clicks change, in one statement. The caller holds all locks. */
export async function writeCharges(client: Queryable, charges: ChargesToWrite): Promise<WrittenCharges> {
  const { facts, fresh, folded } = charges;
  const { decided, groups } = groupCharges(fresh, folded);
  const { entries, wallets } = postGroups(groups, charges);
  const stops = fresh.length === 0 ? [] : await write(client, charges, { decided, groups, entries, wallets });
  const changed = new Set(groups.map(({ campaignId }) => `campaign:${campaignId}`));
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
  readonly groups: readonly ChargeGroup[];
  readonly entries: readonly EntryRow[];
  readonly wallets: ReadonlyMap<string, Wallet>;
}

/** One statement writes all tables: an array per column, in the order of the arguments of `write_charges`. */
async function write(
  client: Queryable,
  { facts, folded, monthOf }: ChargesToWrite,
  { decided, groups, entries, wallets }: Prepared,
): Promise<readonly ServingStop[]> {
  const { bookedAt, bookedDate } = facts.booking;
  const crossings = budgetCrossings(facts.state, folded.state, facts.percentsOf, bookedDate);
  const values = [
    bookedAt.toISOString(),
    bookedDate,
    CLICK_RULES_VERSION,
    ...transactionColumns(groups),
    ...entryColumns(entries),
    ...walletColumns([...wallets]),
    ...spendColumns(spendOf(decided, facts)),
    ...clickColumns(decided.toSorted(byClickId), monthOf),
    JSON.stringify(lotRows(decided)),
    JSON.stringify(folded.stops.map(toStopRow)),
    JSON.stringify(crossings.map(crossingRow)),
  ];
  const { rows } = await client.query<{ stops: ServingStop[] }>({
    name: 'write-charges',
    text: `SELECT write_charges(${values.map((_, n) => `$${n + 1}`).join(', ')}) AS stops`,
    values,
  });
  return rows[0]?.stops ?? [];
}

/**
 * Clicks of advertisers without a wallet are ordered by no lock: two workers that hold the same ones then meet at the
 * primary key, and wait for each other in a circle unless both insert in one order.
 */
const byClickId = (a: Decided, b: Decided) => (a.click.clickId < b.click.clickId ? -1 : 1);

const column = <T>(rows: readonly T[], pick: (row: T) => string | number | null) =>
  arrayLiteral(rows.map(pick));

function groupCharges(
  fresh: readonly AdClicked[],
  { decisions }: FoldResult,
): { decided: Decided[]; groups: ChargeGroup[] } {
  const groups = new Map<string, ChargeGroup>();
  const decided = fresh.map((click, index): Decided => {
    const decision = decisions[index];
    invariant(decision?.clickId === click.clickId, 'the fold answers every click in order');
    if (decision.outcome !== 'charged') return { click, decision, group: null };
    const { advertiserId, campaignId, clickId: causeKey } = click;
    let group = groups.get(campaignId);
    if (group === undefined) {
      const no = groups.size + 1;
      group = { no, advertiserId, campaignId, causeKey, cashKrw: ZERO_KRW, promoKrw: ZERO_KRW };
      groups.set(campaignId, group);
    }
    invariant(group.advertiserId === advertiserId, 'only clicks of its own advertiser charge a campaign');
    group.cashKrw = addKrw(group.cashKrw, decision.cashKrw);
    group.promoKrw = addKrw(group.promoKrw, decision.promoKrw);
    return { click, decision, group };
  });
  return { decided, groups: [...groups.values()] };
}

interface EntryRow {
  readonly group: ChargeGroup;
  readonly line: PostedLine;
}

/** Runs each wallet through its groups; its cash must end where the fold ended. */
function postGroups(
  groups: readonly ChargeGroup[],
  { facts, folded }: ChargesToWrite,
): { entries: EntryRow[]; wallets: Map<string, Wallet> } {
  const wallets = new Map<string, Wallet>();
  const entries: EntryRow[] = [];
  for (const group of groups) {
    const { advertiserId } = group;
    const wallet = wallets.get(advertiserId) ?? facts.wallets.get(advertiserId);
    invariant(wallet, `charged ${advertiserId} without a wallet`);
    const after = postToWallet(wallet, clickChargeLines(group));
    wallets.set(advertiserId, after.wallet);
    for (const line of after.posted) entries.push({ group, line });
  }
  for (const [id, wallet] of wallets) {
    invariant(
      folded.state.advertisers.get(id)?.cashKrw === wallet.cashKrw,
      `ledger and fold disagree on ${id}`,
    );
  }
  return { entries, wallets };
}

const transactionColumns = (groups: readonly ChargeGroup[]) => [
  column(groups, (group) => group.advertiserId),
  column(groups, (group) => group.campaignId),
  column(groups, (group) => group.causeKey),
];

const entryColumns = (entries: readonly EntryRow[]) => [
  column(entries, ({ group }) => group.no),
  column(entries, ({ line }) => line.lineNo),
  column(entries, ({ line }) => line.account),
  column(entries, ({ group, line }) =>
    ACCOUNTS_OF_ADVERTISERS.has(line.account) ? group.advertiserId : null,
  ),
  column(entries, ({ line }) => line.amountKrw),
  column(entries, ({ line }) => line.advertiserSeq),
  column(entries, ({ line }) => line.balanceAfterKrw),
];

const walletColumns = (wallets: readonly (readonly [string, Wallet])[]) => [
  column(wallets, ([advertiserId]) => advertiserId),
  column(wallets, ([, wallet]) => wallet.cashKrw),
  column(wallets, ([, wallet]) => wallet.promoKrw),
  column(wallets, ([, wallet]) => wallet.seq),
];

function clickColumns(decided: readonly Decided[], monthOf: ReadonlyMap<string, string>) {
  return [
    column(decided, ({ click }) => click.clickId),
    column(decided, ({ click }) => monthOf.get(click.clickId) ?? null),
    column(decided, ({ click }) => click.requestId),
    column(decided, ({ click }) => click.advertiserId),
    column(decided, ({ click }) => click.campaignId),
    column(decided, ({ click }) => click.adId),
    column(decided, ({ click }) => click.productId),
    column(decided, ({ click }) => click.placement),
    column(decided, ({ click }) => click.slot),
    column(decided, ({ click }) => click.tokenPriceKrw),
    column(decided, ({ click }) => click.tokenIssuedAt),
    column(decided, ({ click }) => click.clickedAt),
    column(decided, ({ click }) => click.recordedAt),
    column(decided, ({ click }) => click.deviceHash),
    column(decided, ({ click }) => click.ipHash),
    column(decided, ({ decision }) => decision.outcome),
    column(decided, ({ decision }) => decision.reason),
    column(decided, ({ decision }) => decision.chargedKrw),
    column(decided, ({ decision }) => decision.cashKrw),
    column(decided, ({ decision }) => decision.promoKrw),
    column(decided, ({ group }) => group?.no ?? null),
    JSON.stringify(decided.map(({ click }) => click.priceReason)),
    JSON.stringify(decided.map(({ click }) => click.signals)),
    JSON.stringify(decided.map(({ decision: { promoLots } }) => (promoLots.length === 0 ? null : promoLots))),
  ];
}

function lotRows(decided: readonly Decided[]) {
  const taken = new Map<number, number>();
  for (const { decision } of decided) {
    for (const { lotId, krw } of decision.promoLots) taken.set(lotId, (taken.get(lotId) ?? 0) + krw);
  }
  return [...taken].map(([id, krw]) => ({ id, taken_krw: krw }));
}

interface Spend {
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly budgetKrw: number;
  krw: number;
  clicks: number;
  unpaidKrw: number;
  unpaidClicks: number;
}

/** Spend per campaign; valid clicks that nobody could pay are remembered beside it as over-delivery. */
function spendOf(decided: readonly Decided[], { state }: ChargingFacts): Spend[] {
  const spends = new Map<string, Spend>();
  for (const { click, decision } of decided) {
    if (decision.outcome === 'invalid') continue;
    const { campaignId, advertiserId } = click;
    const budgetKrw = state.campaigns.get(campaignId)?.dailyBudgetKrw ?? 0;
    let spend = spends.get(campaignId);
    if (spend === undefined) {
      spend = { campaignId, advertiserId, budgetKrw, krw: 0, clicks: 0, unpaidKrw: 0, unpaidClicks: 0 };
      spends.set(campaignId, spend);
    }
    if (decision.outcome === 'charged') {
      spend.krw += decision.chargedKrw;
      spend.clicks += 1;
    } else {
      spend.unpaidKrw += click.tokenPriceKrw;
      spend.unpaidClicks += 1;
    }
  }
  return [...spends.values()];
}

const spendColumns = (spends: readonly Spend[]) => [
  column(spends, (spend) => spend.campaignId),
  column(spends, (spend) => spend.advertiserId),
  column(spends, (spend) => spend.budgetKrw),
  column(spends, (spend) => spend.krw),
  column(spends, (spend) => spend.clicks),
  column(spends, (spend) => spend.unpaidKrw),
  column(spends, (spend) => spend.unpaidClicks),
];

const crossingRow = (crossing: ReturnType<typeof budgetCrossings>[number]) => ({
  campaign_id: crossing.campaignId,
  advertiser_id: crossing.advertiserId,
  kind: crossing.kind,
  basis: crossing.basis,
  percent: crossing.percent,
  budget_krw: crossing.budgetKrw,
  spent_krw: crossing.spentKrw,
});
