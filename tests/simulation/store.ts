import { type BusinessDate, businessDateOf } from '../../domain/business-date.js';
import {
  type ChargingState,
  type ClickDecision,
  type ClickToCharge,
  foldCharges,
} from '../../domain/charging.js';
import { toKrw, ZERO_KRW } from '../../domain/money.js';
import { FLOOR_KRW } from './world.js';

/** One committed act, in the order of the commits. */
export type JournalEntry =
  | { readonly kind: 'top_up'; readonly advertiserId: string; readonly krw: number }
  | {
      readonly kind: 'click';
      readonly click: ClickToCharge;
      readonly decision: Pick<ClickDecision, 'clickId' | 'outcome' | 'chargedKrw' | 'cashKrw' | 'promoKrw'>;
      readonly nowMs: number;
    };

/** Ways to be wrong on purpose: a simulation that lets one of them pass would prove nothing. */
export type Flaw =
  | 'forgets_known_clicks'
  | 'offset_before_decision'
  | 'counts_refused_clicks'
  | 'splits_commit';

/**
 * The database as the charging transaction sees it: serial, all or nothing. The rules are the real ones
 * (`foldCharges`); around them stands what the operation does: known clicks first, each fresh click once.
 */
export class SimulatedStore {
  state: ChargingState;
  readonly journal: JournalEntry[] = [];
  readonly #decided = new Map<string, ClickDecision>();
  #day: BusinessDate;

  constructor(
    state: ChargingState,
    nowMs: number,
    private readonly flaw: Flaw | null,
  ) {
    this.state = state;
    this.#day = businessDateOf(nowMs);
  }

  decisionOf(clickId: string): ClickDecision | undefined {
    return this.#decided.get(clickId);
  }

  topUp(advertiserId: string, krw: number): void {
    const funds = this.state.advertisers.get(advertiserId);
    if (funds === undefined) return;
    const advertisers = new Map(this.state.advertisers);
    advertisers.set(advertiserId, { ...funds, cashKrw: toKrw(funds.cashKrw + krw), stop: null });
    this.state = { ...this.state, advertisers };
    this.journal.push({ kind: 'top_up', advertiserId, krw });
  }

  /** The charging transaction: commits and answers, one decision per delivered click. */
  charge(clicks: readonly ClickToCharge[], nowMs: number): readonly ClickDecision[] {
    this.#beginDay(nowMs);
    const fresh = new Map<string, ClickToCharge>();
    for (const click of clicks) {
      const isKnown = this.#decided.has(click.clickId) && this.flaw !== 'forgets_known_clicks';
      if (!isKnown && !fresh.has(click.clickId)) fresh.set(click.clickId, click);
    }
    const at = { nowMs, bookedDate: this.#day, floorKrw: FLOOR_KRW };
    const folded = foldCharges(this.state, [...fresh.values()], at);
    this.state =
      this.flaw === 'counts_refused_clicks'
        ? withRefused(folded.state, [...fresh.values()], folded.decisions)
        : folded.state;
    for (const [index, click] of [...fresh.values()].entries()) {
      const decision = folded.decisions[index];
      if (decision === undefined) throw new Error('the fold answers every click');
      // Half a commit: the money is taken, the last click's row is not there.
      if (this.flaw === 'splits_commit' && index > 0 && index === fresh.size - 1) continue;
      this.#decided.set(click.clickId, decision);
      this.journal.push({ kind: 'click', click, decision, nowMs });
    }
    return clicks.flatMap(({ clickId }) => this.#decided.get(clickId) ?? []);
  }

  #beginDay(nowMs: number): void {
    const day = businessDateOf(nowMs);
    if (day === this.#day) return;
    this.#day = day;
    const campaigns = new Map(
      [...this.state.campaigns].map(([id, campaign]) => [id, { ...campaign, spentTodayKrw: ZERO_KRW }]),
    );
    this.state = { ...this.state, campaigns };
  }
}

/** A running sum over all clicks: what a window function would do. */
function withRefused(
  state: ChargingState,
  clicks: readonly ClickToCharge[],
  decisions: readonly ClickDecision[],
): ChargingState {
  const campaigns = new Map(state.campaigns);
  for (const [index, { campaignId, tokenPriceKrw }] of clicks.entries()) {
    const campaign = campaigns.get(campaignId);
    if (decisions[index]?.outcome !== 'over_budget' || campaign === undefined) continue;
    const totalSpentKrw = toKrw(campaign.totalSpentKrw + tokenPriceKrw);
    campaigns.set(campaignId, { ...campaign, totalSpentKrw });
  }
  return { ...state, campaigns };
}
