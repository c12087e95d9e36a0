import { chargesByLog } from '../support/charges-by-log.js';
import { readClickLog } from '../support/click-log.js';
import { type FundedBusiness, fundAdvertisers } from '../support/funded-advertisers.js';
import { reconcileReport } from '../support/main-command.js';
import { clickPress, deliverClicks, type PaidClick } from '../support/paid-clicks.js';
import { poll } from '../support/poll.js';
import { connectShop } from '../support/shop.js';
import type { Proof, ProofContext } from './proof.js';

const CLIENTS = 16;
const FLOOR_KRW = 50;
const MAX_PRICE_KRW = 500;
const DELIVERED_WITHIN_MS = 15 * 60_000;
const DECIDED_WITHIN_MS = 120_000;
const SHOWN = 5;

export const proof: Proof = {
  name: 'overspend',
  proves:
    'sixteen clients drive a thousand advertisers through zero, daily and total budgets on the way: not a won over, and no click refused that could have been paid',
  params: { advertisers: 1_000, 'clicks-each': 30 },
  parts: ['ad-server', 'balance-worker'],
  run,
};

async function run(context: ProofContext): Promise<void> {
  const { stack, step, figure, random, number } = context;
  step(`${number('advertisers')} advertisers with less money than their clicks cost`);
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low));
  const business = await fundAdvertisers(stack.env, number('advertisers'), () => ({
    cashKrw: between(500, 6_000),
    dailyBudgetKrw: between(400, 5_000),
    totalBudgetKrw: random() < 0.5 ? null : between(400, 5_000),
  }));
  try {
    step(`${CLIENTS} clients click`);
    const startedAt = performance.now();
    const delivery = await deliverClicks(
      {
        shop: connectShop(`http://127.0.0.1:${stack.ports.adServer}`, business.apiKey),
        lanes: CLIENTS,
        random,
        repeatShare: 0.05,
        withinMs: DELIVERED_WITHIN_MS,
      },
      clicksOf(context, business),
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    figure('clicks promised / sent twice', `${delivery.promised} / ${delivery.repeated}`);
    figure('clicks a second', Math.round((delivery.promised + delivery.repeated) / seconds));
    context.check(
      'every click was promised',
      delivery.refusals.length === 0,
      delivery.refusals.slice(0, SHOWN).join('; '),
    );
    context.check(
      'no answer ever changed',
      delivery.changed.length === 0,
      delivery.changed.slice(0, SHOWN).join('; '),
    );
    await checkCharges(context, business, delivery.promised);
  } finally {
    await business.close();
  }
}

/** All advertisers in turn, in random order and at random prices. */
function clicksOf(
  { random, number }: ProofContext,
  { campaigns, config }: FundedBusiness,
): () => PaidClick | null {
  const press = clickPress(config);
  let left = number('advertisers') * number('clicks-each');
  return () => {
    left -= 1;
    const campaign = campaigns[Math.floor(random() * campaigns.length)];
    if (left < 0 || campaign === undefined) return null;
    const priceKrw = FLOOR_KRW + Math.floor(random() * (MAX_PRICE_KRW - FLOOR_KRW));
    return press({ ...campaign, priceKrw }, Date.now());
  };
}

async function checkCharges(
  { stack, step, figure, check }: ProofContext,
  business: FundedBusiness,
  promised: number,
): Promise<void> {
  step('Every click of the log, decided again by hand');
  const { pool } = business;
  const decided = async () =>
    Number((await pool.query<{ n: string }>('SELECT count(*)::text AS n FROM click_charge')).rows[0]?.n);
  await poll(
    'all clicks are decided',
    async () => (await decided()) >= promised,
    DECIDED_WITHIN_MS,
    200,
  ).catch(() => null);
  const result = await chargesByLog(business, await readClickLog(stack.env));
  figure('clicks in the log / appended twice', `${result.clicks} / ${result.repeats}`);
  for (const [outcome, times] of Object.entries(result.outcomes)) figure(outcome, times);
  check(
    'each promised click is in the log once decided',
    result.clicks === promised && result.undecided === 0 && result.strangers === 0,
    JSON.stringify(result.outcomes),
  );
  check(
    'not a won over, and no affordable click refused, in the order of each partition',
    result.differences.length === 0,
    result.differences.slice(0, SHOWN).join('; '),
  );
  check(
    'budgets and balances were hit',
    (result.outcomes.over_budget ?? 0) > 0 && (result.outcomes.no_balance ?? 0) > 0,
  );
  const over = await pool.query<{ n: string }>(
    `SELECT count(*)::text AS n FROM campaign_budget b JOIN advertiser_balance a USING (advertiser_id)
     WHERE a.cash_krw < 0 OR a.promo_krw < 0 OR b.spent_today_krw > b.daily_budget_krw OR b.total_spent_krw > b.total_budget_krw`,
  );
  check('nothing is below zero or above a budget', over.rows[0]?.n === '0', `${over.rows[0]?.n} campaigns`);
  const report = await reconcileReport(stack.env);
  const broken = report.invariants.filter((invariant) => !invariant.ok);
  check('the books are clean', broken.length === 0, JSON.stringify(broken));
}
