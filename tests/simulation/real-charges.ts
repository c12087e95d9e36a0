import { type ChargingState, type ClickDecision, foldCharges } from '../../domain/charging.js';
import type { DatabasePool } from '../../infra/postgres.js';
import { withTransaction } from '../../infra/postgres.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { grantPromo } from '../../operations/grant-promo.js';
import { budgetOn, lockBudgets, lockPromoLots, lockWallets } from '../../operations/money-locks.js';
import { takeBookingDay } from '../../operations/post-ledger.js';
import { readStops } from '../../operations/serving-stops.js';
import { seededRandom } from '../proofs/proof.js';
import { type ClickWish, clickEvent, deliver, fund } from '../support/money.js';
import { below, FLOOR_KRW, oneOf, type Random } from './world.js';

const ADVERTISERS = 4;
const MAX_BATCH = 40;
/** Then the money of all is nearly gone: others begin. */
const BATCHES_PER_BUSINESS = 5;
const DAY_MS = 86_400_000;

export interface Comparison {
  readonly batches: number;
  readonly clicks: number;
  readonly charged: number;
  readonly differences: readonly string[];
}

/**
 * Random batches through the real charge operation on PostgreSQL and through the pure fold, side by side: every
 * stored row and every balance must be what the fold says, after every batch.
 */
export async function compareWithFold(
  pool: DatabasePool,
  seed: number,
  batches: number,
): Promise<Comparison> {
  const random = seededRandom(seed);
  const differences: string[] = [];
  let campaigns: Names[] = [];
  let sent: ClickWish[] = [];
  const known = new Map<string, ClickDecision>();
  let clicks = 0;
  let charged = 0;
  for (let n = 0; n < batches; n += 1) {
    if (n % BATCHES_PER_BUSINESS === 0) {
      campaigns = await openBusiness(pool, random, `${seed}_${n}`);
      sent = [];
    }
    const wishes = someWishes(random, campaigns, sent, `${seed}-${n}`);
    const events = wishes.map(clickEvent);
    const before = await stateOf(pool, campaigns);
    const result = await chargeClicks(pool, events.map(deliver), { bidFloorKrw: FLOOR_KRW });
    const fresh = new Map(
      events.filter(({ clickId }) => !known.has(clickId)).map((click) => [click.clickId, click]),
    );
    // One transaction has one moment; a batch of nothing new has none, and changes nothing.
    const bookedAt = result.clicks.find(({ clickId }) => fresh.has(clickId));
    if (bookedAt !== undefined) {
      const folded = foldCharges(
        before,
        [...fresh.values()].map((click) => ({
          clickId: click.clickId,
          advertiserId: click.advertiserId,
          campaignId: click.campaignId,
          tokenPriceKrw: toPrice(click.tokenPriceKrw),
          signals: click.signals,
          isOwnAccountDevice: false,
        })),
        { nowMs: bookedAt.bookedAt, bookedDate: bookedAt.bookedDate, floorKrw: FLOOR_KRW },
      );
      for (const decision of folded.decisions) known.set(decision.clickId, decision);
      differences.push(...differencesOf(folded.state, await stateOf(pool, campaigns), `batch ${n}`));
    }
    differences.push(...(await rowDifferences(pool, [...fresh.keys()], known)));
    for (const answer of result.clicks) {
      const decision = known.get(answer.clickId);
      if (decision?.outcome !== answer.outcome || decision.chargedKrw !== answer.chargedKrw) {
        differences.push(
          `${answer.clickId} is answered ${answer.outcome}, the fold says ${decision?.outcome}`,
        );
      }
    }
    sent.push(...wishes);
    clicks += wishes.length;
    charged += result.clicks.filter(
      ({ outcome, redelivered }) => outcome === 'charged' && !redelivered,
    ).length;
  }
  return { batches, clicks, charged, differences };
}

const toPrice = (krw: number) => krw as ClickDecision['chargedKrw'];

interface Names {
  readonly advertiserId: string;
  readonly campaignId: string;
}

async function openBusiness(pool: DatabasePool, random: Random, name: string): Promise<Names[]> {
  const campaigns: Names[] = [];
  for (let a = 0; a < ADVERTISERS; a += 1) {
    const advertiserId = `adv_s${name}_${a}`;
    for (let c = 0; c < 2; c += 1) {
      const names = { advertiserId, campaignId: `cmp_s${name}_${a}_${c}` };
      const budget = {
        dailyBudgetKrw: 2_000 + below(random, 20_000),
        totalBudgetKrw: random() < 0.5 ? null : 2_000 + below(random, 20_000),
      };
      await fund(pool, { ...names, ...budget }, below(random, 9_000));
      campaigns.push(names);
    }
    for (let lot = 0; lot < below(random, 4); lot += 1) {
      await grantPromo(pool, {
        idempotencyKey: `promo:${advertiserId}:${lot}`,
        advertiserId,
        amountKrw: 500 + below(random, 3_000),
        expiresAt: Date.now() + (1 + below(random, 30)) * DAY_MS,
      });
    }
  }
  return campaigns;
}

/** New clicks, some that a rule refuses, some of nobody's campaign, and some that were sent before. */
function someWishes(random: Random, campaigns: readonly Names[], sent: readonly ClickWish[], batch: string) {
  return Array.from({ length: 1 + below(random, MAX_BATCH) }, (_, n): ClickWish => {
    if (sent.length > 0 && random() < 0.1) return oneOf(random, sent);
    const names = oneOf(random, campaigns);
    const spoiled = random();
    return {
      ...names,
      ...(spoiled > 0.97 ? { campaignId: 'cmp_nobody' } : {}),
      name: `${batch}-${n}`,
      issuedAtMs: Date.now(),
      priceKrw: FLOOR_KRW + below(random, 400),
      signals: { listedBot: spoiled < 0.03, sinceSameAdMs: spoiled > 0.03 && spoiled < 0.06 ? 500 : null },
    };
  });
}

/** What the fold would start from now: the stored rows, read without deciding anything. */
async function stateOf(pool: DatabasePool, campaigns: readonly Names[]): Promise<ChargingState> {
  return withTransaction(pool, async (client) => {
    const advertiserIds = [...new Set(campaigns.map(({ advertiserId }) => advertiserId))];
    const campaignIds = campaigns.map(({ campaignId }) => campaignId);
    const wallets = await lockWallets(client, advertiserIds);
    const budgets = await lockBudgets(client, campaignIds);
    const lots = await lockPromoLots(client, advertiserIds);
    const { bookedDate } = await takeBookingDay(client);
    const stops = await readStops(client, advertiserIds, campaignIds);
    return {
      advertisers: new Map(
        [...wallets].map(([id, { cashKrw }]) => [
          id,
          { cashKrw, lots: lots.get(id) ?? [], stop: stops.get(`advertiser:${id}`) ?? null },
        ]),
      ),
      campaigns: new Map(
        [...budgets].map(([id, budget]) => [
          id,
          { ...budgetOn(budget, bookedDate), stop: stops.get(`campaign:${id}`) ?? null },
        ]),
      ),
    };
  });
}

/** Lots without money are not kept among those that can be spent. */
const comparable = (state: ChargingState) =>
  new Map([
    ...[...state.advertisers].map(([id, { cashKrw, lots, stop }]) => {
      const open = lots.filter(({ remainingKrw }) => remainingKrw > 0).sort((a, b) => a.lotId - b.lotId);
      return [id, JSON.stringify([cashKrw, open, stop])] as const;
    }),
    ...[...state.campaigns].map(([id, { spentTodayKrw, totalSpentKrw, stop }]) => {
      return [id, JSON.stringify([spentTodayKrw, totalSpentKrw, stop])] as const;
    }),
  ]);

function differencesOf(expected: ChargingState, stored: ChargingState, when: string): string[] {
  const rows = comparable(stored);
  return [...comparable(expected)].flatMap(([id, text]) =>
    rows.get(id) === text ? [] : [`${when}: ${id} is ${rows.get(id)}, the fold says ${text}`],
  );
}

interface ChargeRow {
  click_id: string;
  outcome: string;
  reason: string | null;
  charged_krw: number;
  cash_krw: number;
  promo_krw: number;
  promo_lots: { lotId: number; krw: number }[] | null;
}

/** A jsonb column keeps no order of names. */
const lotsOf = (lots: readonly { lotId: number; krw: number }[]) =>
  lots.map(({ lotId, krw }) => [lotId, krw]);

async function rowDifferences(
  pool: DatabasePool,
  clickIds: readonly string[],
  known: ReadonlyMap<string, ClickDecision>,
): Promise<string[]> {
  const { rows } = await pool.query<ChargeRow>(
    `SELECT click_id, outcome, reason, charged_krw, cash_krw, promo_krw, promo_lots FROM click_charge
     WHERE click_id = ANY($1::uuid[])`,
    [clickIds],
  );
  const byId = new Map(rows.map((row) => [row.click_id, row]));
  return clickIds.flatMap((clickId) => {
    const decision = known.get(clickId);
    const row = byId.get(clickId);
    if (decision === undefined || row === undefined) return [`${clickId} has no row`];
    const expected = [
      decision.outcome,
      decision.reason,
      decision.chargedKrw,
      decision.cashKrw,
      decision.promoKrw,
      lotsOf(decision.promoLots),
    ];
    const stored = [
      row.outcome,
      row.reason,
      row.charged_krw,
      row.cash_krw,
      row.promo_krw,
      lotsOf(row.promo_lots ?? []),
    ];
    return JSON.stringify(expected) === JSON.stringify(stored)
      ? []
      : [`${clickId} is stored as ${JSON.stringify(stored)}, the fold says ${JSON.stringify(expected)}`];
  });
}
