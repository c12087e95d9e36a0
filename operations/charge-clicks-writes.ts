import type { AdClicked } from '../contracts/events/ad-events.js';
import type { ServingStop } from '../contracts/serving-stop.js';
import type { ChargingState, ClickDecision, FoldResult } from '../domain/charging.js';
import { type ClickId, issuedMonthOf } from '../domain/click-id.js';
import { CLICK_RULES_VERSION } from '../domain/click-outcome.js';
import { clickChargeLines, postToWallet, type Wallet } from '../domain/ledger.js';
import { addKrw, type Krw, ZERO_KRW } from '../domain/money.js';
import { invariant } from '../domain/result.js';
import { type Column, insertRows, type Queryable } from '../infra/postgres.js';
import { changeBudgetSpend, changeLots, storeWallets } from './money-locks.js';
import { type Booking, type LedgerPosting, postLedger } from './post-ledger.js';
import { writeStops } from './serving-stops.js';

export interface ChargesToWrite {
  readonly state: ChargingState;
  readonly wallets: ReadonlyMap<string, Wallet>;
  readonly booking: Booking;
  readonly fresh: readonly AdClicked[];
  readonly folded: FoldResult;
}

interface Decided {
  readonly click: AdClicked;
  readonly decision: ClickDecision;
}

/** The charged clicks of one advertiser and campaign: one ledger transaction. */
interface ChargeGroup {
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly causeKey: string;
  cashKrw: Krw;
  promoKrw: Krw;
}

const groupKey = (click: AdClicked) => `${click.advertiserId}\n${click.campaignId}`;

/** Everything that the decided clicks change; returns the stops. The caller holds all locks. */
export async function writeCharges(client: Queryable, charges: ChargesToWrite): Promise<ServingStop[]> {
  const { booking, fresh, folded } = charges;
  if (fresh.length === 0) return [];
  const decided = fresh.map((click, index): Decided => {
    const decision = folded.decisions[index];
    invariant(decision?.clickId === click.clickId, 'the fold answers every click in order');
    return { click, decision };
  });
  const groups = groupCharges(decided);
  const { postings, wallets } = postGroups(groups, charges);
  const transactionIds = await postLedger(client, booking, postings);
  const transactionOf = (click: AdClicked) =>
    transactionIds.get(groups.get(groupKey(click))?.causeKey ?? '') ?? null;
  await insertRows(client, 'click_charge', CLICK_COLUMNS, clickRows(decided, transactionOf, booking));
  await storeWallets(client, wallets);
  await changeLots(client, lotChanges(decided));
  await changeBudgetSpend(client, booking.bookedDate, spendChanges(groups));
  await addDailySpend(client, decided, charges);
  return writeStops(client, folded.stops, booking.bookedAt);
}

function groupCharges(decided: readonly Decided[]): Map<string, ChargeGroup> {
  const groups = new Map<string, ChargeGroup>();
  for (const { click, decision } of decided) {
    if (decision.outcome !== 'charged') continue;
    const key = groupKey(click);
    const { advertiserId, campaignId, clickId } = click;
    const group = groups.get(key) ?? {
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

/** Runs each wallet through its groups; its cash must end where the fold ended. */
function postGroups(
  groups: ReadonlyMap<string, ChargeGroup>,
  { wallets: before, folded }: ChargesToWrite,
): { postings: LedgerPosting[]; wallets: Map<string, Wallet> } {
  const wallets = new Map<string, Wallet>();
  const postings: LedgerPosting[] = [];
  for (const group of groups.values()) {
    const { advertiserId, campaignId, causeKey } = group;
    const wallet = wallets.get(advertiserId) ?? before.get(advertiserId);
    invariant(wallet, `charged ${advertiserId} without a wallet`);
    const after = postToWallet(wallet, clickChargeLines(group));
    wallets.set(advertiserId, after.wallet);
    postings.push({
      advertiserId,
      campaignId,
      causeKey,
      cause: 'click_charge',
      memo: null,
      lines: after.posted,
    });
  }
  for (const [id, wallet] of wallets) {
    invariant(
      folded.state.advertisers.get(id)?.cashKrw === wallet.cashKrw,
      `ledger and fold disagree on ${id}`,
    );
  }
  return { postings, wallets };
}

const CLICK_COLUMNS: readonly Column[] = [
  ['click_id', 'uuid'],
  ['issued_month', 'date'],
  ['request_id', 'text'],
  ['advertiser_id', 'text'],
  ['campaign_id', 'text'],
  ['ad_id', 'text'],
  ['product_id', 'text'],
  ['placement', 'text'],
  ['slot', 'integer'],
  ['token_price_krw', 'bigint'],
  ['price_reason', 'jsonb'],
  ['token_issued_at', 'timestamptz'],
  ['clicked_at', 'timestamptz'],
  ['recorded_at', 'timestamptz'],
  ['device_hash', 'text'],
  ['ip_hash', 'text'],
  ['signals', 'jsonb'],
  ['outcome', 'text'],
  ['reason', 'text'],
  ['rules_version', 'integer'],
  ['charged_krw', 'bigint'],
  ['cash_krw', 'bigint'],
  ['promo_krw', 'bigint'],
  ['promo_lots', 'jsonb'],
  ['ledger_transaction_id', 'bigint'],
  ['booked_at', 'timestamptz'],
  ['booked_date', 'date'],
];

const iso = (epochMs: number) => new Date(epochMs).toISOString();

function clickRows(
  decided: readonly Decided[],
  transactionOf: (click: AdClicked) => number | null,
  booking: Booking,
): unknown[][] {
  const bookedAt = booking.bookedAt.toISOString();
  return decided.map(({ click, decision }) => [
    click.clickId,
    issuedMonthOf(click.clickId as ClickId),
    click.requestId,
    click.advertiserId,
    click.campaignId,
    click.adId,
    click.productId,
    click.placement,
    click.slot,
    click.tokenPriceKrw,
    JSON.stringify(click.priceReason),
    iso(click.tokenIssuedAt),
    iso(click.clickedAt),
    iso(click.recordedAt),
    click.deviceHash,
    click.ipHash,
    JSON.stringify(click.signals),
    decision.outcome,
    decision.reason,
    CLICK_RULES_VERSION,
    decision.chargedKrw,
    decision.cashKrw,
    decision.promoKrw,
    decision.promoLots.length === 0 ? null : JSON.stringify(decision.promoLots),
    decision.outcome === 'charged' ? transactionOf(click) : null,
    bookedAt,
    booking.bookedDate,
  ]);
}

function lotChanges(decided: readonly Decided[]): Map<number, number> {
  const changes = new Map<number, number>();
  for (const { decision } of decided) {
    for (const { lotId, krw } of decision.promoLots) changes.set(lotId, (changes.get(lotId) ?? 0) - krw);
  }
  return changes;
}

function spendChanges(groups: ReadonlyMap<string, ChargeGroup>) {
  return new Map(
    [...groups.values()].map((group) => {
      const krw = group.cashKrw + group.promoKrw;
      return [group.campaignId, { todayKrw: krw, totalKrw: krw }];
    }),
  );
}

interface DailySpend {
  readonly campaignId: string;
  readonly advertiserId: string;
  spentKrw: number;
  chargedClicks: number;
  overDeliveryKrw: number;
  overDeliveryClicks: number;
}

/** Spend per campaign and day; valid clicks that nobody could pay are remembered beside it as over-delivery. */
async function addDailySpend(
  client: Queryable,
  decided: readonly Decided[],
  charges: ChargesToWrite,
): Promise<void> {
  const days = new Map<string, DailySpend>();
  for (const { click, decision } of decided) {
    if (decision.outcome === 'invalid') continue;
    const { campaignId, advertiserId } = click;
    const nothing = { spentKrw: 0, chargedClicks: 0, overDeliveryKrw: 0, overDeliveryClicks: 0 };
    const day = days.get(campaignId) ?? { campaignId, advertiserId, ...nothing };
    days.set(campaignId, day);
    if (decision.outcome === 'charged') {
      day.spentKrw += decision.chargedKrw;
      day.chargedClicks += 1;
    } else {
      day.overDeliveryKrw += click.tokenPriceKrw;
      day.overDeliveryClicks += 1;
    }
  }
  const rows = [...days.values()].map((day) => [
    day.campaignId,
    charges.booking.bookedDate,
    day.advertiserId,
    charges.state.campaigns.get(day.campaignId)?.dailyBudgetKrw ?? 0,
    day.spentKrw,
    day.chargedClicks,
    day.overDeliveryKrw,
    day.overDeliveryClicks,
  ]);
  await insertRows(client, 'campaign_daily_spend', DAILY_COLUMNS, rows, ADD_TO_DAY);
}

const DAILY_COLUMNS: readonly Column[] = [
  ['campaign_id', 'text'],
  ['business_date', 'date'],
  ['advertiser_id', 'text'],
  ['budget_krw', 'bigint'],
  ['spent_krw', 'bigint'],
  ['charged_clicks', 'bigint'],
  ['over_delivery_krw', 'bigint'],
  ['over_delivery_clicks', 'bigint'],
];

const ADD_TO_DAY = `ON CONFLICT (campaign_id, business_date) DO UPDATE SET
  budget_krw = greatest(campaign_daily_spend.budget_krw, excluded.budget_krw),
  spent_krw = campaign_daily_spend.spent_krw + excluded.spent_krw,
  charged_clicks = campaign_daily_spend.charged_clicks + excluded.charged_clicks,
  over_delivery_krw = campaign_daily_spend.over_delivery_krw + excluded.over_delivery_krw,
  over_delivery_clicks = campaign_daily_spend.over_delivery_clicks + excluded.over_delivery_clicks`;
