import { businessDateOf } from '../../domain/business-date.js';
import type { ChargingState, ClickDecision, ClickToCharge, PromoLot } from '../../domain/charging.js';
import type { JournalEntry, SimulatedStore } from './store.js';
import { spentIn } from './world.js';

interface Finished {
  readonly store: SimulatedStore;
  readonly log: readonly (readonly ClickToCharge[])[];
  readonly published: ReadonlyMap<string, ClickDecision>;
}

/** What must be true at the end, computed apart from the rules: plain sums over the journal. */
export function judge(initial: ChargingState, finished: Finished): string[] {
  return [
    ...everyClickOnce(finished),
    ...inLogOrder(finished),
    ...decidedByHand(initial, finished.store.journal),
    ...moneyAddsUp(initial, finished.store),
  ];
}

/** What is in the log is decided once and told; what is not, is not. */
function everyClickOnce({ store, log, published }: Finished): string[] {
  const problems: string[] = [];
  const appended = new Set(log.flat().map(({ clickId }) => clickId));
  const times = new Map<string, number>();
  for (const entry of store.journal) {
    if (entry.kind === 'click') times.set(entry.click.clickId, (times.get(entry.click.clickId) ?? 0) + 1);
  }
  for (const clickId of appended) {
    if (times.get(clickId) !== 1) problems.push(`${clickId} is decided ${times.get(clickId) ?? 0} times`);
    if (!published.has(clickId)) problems.push(`${clickId} was never told`);
  }
  for (const clickId of times.keys()) {
    if (!appended.has(clickId)) problems.push(`${clickId} is decided and was never sent`);
  }
  return problems;
}

/** A partition's clicks are decided in the order in which the log first names them. */
function inLogOrder({ store, log }: Finished): string[] {
  const decided = store.journal.flatMap((entry) => (entry.kind === 'click' ? [entry.click.clickId] : []));
  const place = new Map(decided.map((clickId, index) => [clickId, index]));
  return log.flatMap((partition, index) => {
    const places = [...new Set(partition.map(({ clickId }) => clickId))].map((id) => place.get(id) ?? -1);
    const isRising = places.every((at, n) => n === 0 || at > (places[n - 1] ?? -1));
    return isRising ? [] : [`partition ${index} is decided out of order`];
  });
}

/** What a clerk keeps with a pencil: plain numbers, no types of the rules. */
class Pencil {
  readonly #wallets = new Map<string, { cash: number; lots: (PromoLot & { left: number })[] }>();
  readonly #spent = new Map<string, { day: string; today: number; total: number }>();

  constructor(private readonly initial: ChargingState) {
    for (const [id, { cashKrw, lots }] of initial.advertisers) {
      const open = lots.map((lot) => ({ ...lot, left: Number(lot.remainingKrw) }));
      this.#wallets.set(id, {
        cash: cashKrw,
        lots: open.sort((a, b) => a.expiresAtMs - b.expiresAtMs || a.lotId - b.lotId),
      });
    }
  }

  topUp(advertiserId: string, krw: number): void {
    const wallet = this.#wallets.get(advertiserId);
    if (wallet !== undefined) wallet.cash += krw;
  }

  /** The outcome of this click, and how much of it is paid in cash. */
  decide(click: ClickToCharge, nowMs: number): { readonly outcome: string; readonly cash: number } {
    const campaign = this.initial.campaigns.get(click.campaignId);
    const wallet = this.#wallets.get(click.advertiserId);
    if (campaign?.advertiserId !== click.advertiserId || wallet === undefined || isBad(click))
      return { outcome: 'invalid', cash: 0 };
    const day = businessDateOf(nowMs);
    const before = this.#spent.get(click.campaignId) ?? { day, today: 0, total: 0 };
    const today = (before.day === day ? before.today : 0) + click.tokenPriceKrw;
    const total = before.total + click.tokenPriceKrw;
    if (
      today > campaign.dailyBudgetKrw ||
      (campaign.totalBudgetKrw !== null && total > campaign.totalBudgetKrw)
    )
      return { outcome: 'over_budget', cash: 0 };
    const lots = wallet.lots.filter((lot) => lot.expiresAtMs > nowMs);
    const balance = lots.reduce((sum, { left }) => sum + left, wallet.cash);
    if (balance < click.tokenPriceKrw) return { outcome: 'no_balance', cash: 0 };
    let cash: number = click.tokenPriceKrw;
    for (const lot of lots) {
      const part = Math.min(cash, lot.left);
      lot.left -= part;
      cash -= part;
    }
    wallet.cash -= cash;
    this.#spent.set(click.campaignId, { day, today, total });
    return { outcome: 'charged', cash };
  }
}

/** Limits written out once more, so that a changed rule is noticed. */
const isBad = ({ signals, isOwnAccountDevice }: ClickToCharge): boolean =>
  signals.expired ||
  signals.listedBot ||
  (signals.sinceSameAdMs !== null && signals.sinceSameAdMs < 10_000) ||
  signals.deviceClicksPerMinute > 20 ||
  signals.ipClicksPerMinute > 120 ||
  isOwnAccountDevice;

/** Decides a journal again, one click after the other; nothing of the real rules is used. */
export function decidedByHand(initial: ChargingState, journal: readonly JournalEntry[]): string[] {
  const pencil = new Pencil(initial);
  return journal.flatMap((entry) => {
    if (entry.kind === 'top_up') {
      pencil.topUp(entry.advertiserId, entry.krw);
      return [];
    }
    const { click, decision, nowMs } = entry;
    const { outcome, cash } = pencil.decide(click, nowMs);
    const paid = outcome === 'charged' ? click.tokenPriceKrw : 0;
    if (decision.outcome === outcome && decision.chargedKrw === paid && decision.cashKrw === cash) return [];
    const stored = `${decision.outcome}, ${decision.chargedKrw} won, ${decision.cashKrw} of it cash`;
    return [`${click.clickId} is ${stored}; by hand ${outcome}, ${paid}, ${cash}`];
  });
}

/** Won for won: what was there and came in is what was charged and what is left. */
function moneyAddsUp(initial: ChargingState, store: SimulatedStore): string[] {
  const before = spentIn(initial);
  const after = spentIn(store.state);
  let cash = before.cash - after.cash;
  let promo = before.promo - after.promo;
  for (const entry of store.journal) {
    if (entry.kind === 'top_up') cash += entry.krw;
    else {
      cash -= entry.decision.cashKrw;
      promo -= entry.decision.promoKrw;
    }
  }
  return cash === 0 && promo === 0 ? [] : [`${cash} won of cash and ${promo} of promo money do not add up`];
}
