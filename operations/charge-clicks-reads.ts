import type { AdClicked } from '../contracts/events/ad-events.js';
import type { CrossingPercents } from '../domain/budget-crossing.js';
import type { BusinessDate } from '../domain/business-date.js';
import type { AdvertiserFunds, CampaignFunds, ChargingState, PromoLot } from '../domain/charging.js';
import type { ClickOutcome, ClickReason } from '../domain/click-outcome.js';
import { grouped } from '../domain/grouped.js';
import type { Wallet } from '../domain/ledger.js';
import { toKrw } from '../domain/money.js';
import { invariant } from '../domain/result.js';
import type { StopState } from '../domain/serving-stop.js';
import { arrayLiteral, type Queryable, RetryTransaction } from '../infra/postgres.js';
import { type BudgetRow, budgetOn, toBudget, toWallet, type WalletRow } from './money-locks.js';
import type { Booking } from './post-ledger.js';
import { type StopRow, stopsFrom } from './serving-stops.js';

/** What `click_charge` keeps of a decision. */
export interface StoredOutcome {
  readonly outcome: ClickOutcome;
  readonly reason: ClickReason | null;
  readonly chargedKrw: number;
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly bookedDate: BusinessDate;
  readonly bookedAt: number;
}

/** Everything that decides a batch of clicks, read after its rows were locked. */
export interface ChargingFacts {
  readonly state: ChargingState;
  readonly wallets: ReadonlyMap<string, Wallet>;
  readonly booking: Booking;
  /** Outcomes of the clicks that were decided before. */
  readonly known: ReadonlyMap<string, StoredOutcome>;
  /** Months of issue that have a partition. */
  readonly months: ReadonlySet<string>;
  /** `ownDeviceKey` of the clicks that came from a device of the advertiser's own people. */
  readonly ownDevices: ReadonlySet<string>;
  /** Of advertisers that changed the shares at which they want to be told. */
  readonly percentsOf: ReadonlyMap<string, CrossingPercents>;
  /** Row versions, keyed `scope:id`: a charge raises each row that it changes by one. */
  readonly versions: ReadonlyMap<string, number>;
}

export const ownDeviceKey = (advertiserId: string, deviceHash: string) => `${advertiserId}\n${deviceHash}`;

/** The answer of `charging_locks_and_facts`; null where there is nothing. */
interface FactsRow {
  readonly wallets: readonly (WalletRow & { readonly version: number })[] | null;
  readonly budgets: readonly (BudgetRow & { readonly version: number })[] | null;
  readonly lots: readonly LotRow[] | null;
  readonly booked_at_ms: number;
  readonly booked_date: BusinessDate;
  readonly stops: readonly StopRow[] | null;
  readonly alert_settings: readonly SettingsRow[] | null;
  readonly own_devices: readonly { readonly advertiser_id: string; readonly device_hash: string }[] | null;
  readonly months: readonly string[];
  readonly known: readonly (readonly KnownRow[])[];
}

interface LotRow {
  readonly id: number;
  readonly advertiser_id: string;
  readonly remaining_krw: number;
  readonly expires_at_ms: number;
}

interface SettingsRow {
  readonly advertiser_id: string;
  readonly daily_budget_percents: number[];
  readonly total_budget_percents: number[];
}

interface KnownRow {
  readonly click_id: string;
  readonly outcome: ClickOutcome;
  readonly reason: ClickReason | null;
  readonly charged_krw: number;
  readonly cash_krw: number;
  readonly promo_krw: number;
  readonly booked_date: BusinessDate;
  readonly booked_at_ms: number;
}

/**
 * Locks wallets, budgets and promo lots of these clicks, takes the booking day, and then reads what decides them: one
 * statement (`charging_locks_and_facts` says why that is as good as many). Call it first in the transaction.
 */
export async function lockAndReadFacts(
  client: Queryable,
  clicks: readonly AdClicked[],
  /** Month of issue by click id; a click that is not there cannot be known. */
  monthOf: ReadonlyMap<string, string>,
): Promise<ChargingFacts> {
  const { rows } = await client.query<{ facts: FactsRow }>({
    name: 'charging-locks-and-facts',
    text: 'SELECT charging_locks_and_facts($1, $2, $3, $4, $5, $6) AS facts',
    values: [
      arrayLiteral(new Set(clicks.map(({ advertiserId }) => advertiserId))),
      arrayLiteral(new Set(clicks.map(({ campaignId }) => campaignId))),
      arrayLiteral(monthOf.keys()),
      arrayLiteral(new Set(monthOf.values())),
      arrayLiteral(clicks.map(({ advertiserId }) => advertiserId)),
      arrayLiteral(clicks.map(({ deviceHash }) => deviceHash)),
    ],
  });
  const facts = rows[0]?.facts;
  invariant(facts, 'charging_locks_and_facts returns one row');
  return toFacts(facts);
}

function toFacts(row: FactsRow): ChargingFacts {
  const booking = { bookedAt: new Date(row.booked_at_ms), bookedDate: row.booked_date };
  const wallets = row.wallets ?? [];
  const budgets = row.budgets ?? [];
  const stopOf = stopsFrom(row.stops ?? []);
  return {
    state: { advertisers: advertisersOf(row, stopOf), campaigns: campaignsOf(row, stopOf) },
    wallets: new Map(wallets.map((wallet) => [wallet.advertiser_id, toWallet(wallet)])),
    booking,
    known: new Map(row.known.flat().map((known) => [known.click_id, toOutcome(known)])),
    months: new Set(row.months),
    ownDevices: new Set(
      (row.own_devices ?? []).map((own) => ownDeviceKey(own.advertiser_id, own.device_hash)),
    ),
    percentsOf: new Map(
      (row.alert_settings ?? []).map((settings) => [
        settings.advertiser_id,
        {
          dailyBudgetPercents: settings.daily_budget_percents,
          totalBudgetPercents: settings.total_budget_percents,
        },
      ]),
    ),
    versions: new Map([
      ...wallets.map((wallet) => [`advertiser:${wallet.advertiser_id}`, wallet.version] as const),
      ...budgets.map((budget) => [`campaign:${budget.campaign_id}`, budget.version] as const),
    ]),
  };
}

type Stops = ReadonlyMap<string, StopState>;

function advertisersOf({ wallets, lots }: FactsRow, stopOf: Stops): Map<string, AdvertiserFunds> {
  const lotsOf = grouped(lots ?? [], (lot) => lot.advertiser_id);
  return new Map(
    (wallets ?? []).map((wallet) => {
      const id = wallet.advertiser_id;
      const cashKrw = toKrw(wallet.cash_krw);
      const own = (lotsOf.get(id) ?? []).map(toLot);
      return [id, { cashKrw, lots: own, stop: stopOf.get(`advertiser:${id}`) ?? null }];
    }),
  );
}

const toLot = (lot: LotRow): PromoLot => ({
  lotId: lot.id,
  remainingKrw: toKrw(lot.remaining_krw),
  expiresAtMs: lot.expires_at_ms,
});

function campaignsOf(
  { budgets, booked_date: bookedDate }: FactsRow,
  stopOf: Stops,
): Map<string, CampaignFunds> {
  return new Map(
    (budgets ?? []).map((row) => {
      const budget = toBudget(row);
      if (budget.spentDate > bookedDate) {
        throw new RetryTransaction('the clock stepped back over midnight');
      }
      const id = row.campaign_id;
      return [id, { ...budgetOn(budget, bookedDate), stop: stopOf.get(`campaign:${id}`) ?? null }];
    }),
  );
}

const toOutcome = (row: KnownRow): StoredOutcome => ({
  outcome: row.outcome,
  reason: row.reason,
  chargedKrw: row.charged_krw,
  cashKrw: row.cash_krw,
  promoKrw: row.promo_krw,
  bookedDate: row.booked_date,
  bookedAt: row.booked_at_ms,
});
