import { randomUUID } from 'node:crypto';
import { execa } from 'execa';
import { REDIS_KEYS } from '../contracts/redis-keys.js';
import { REPO_ROOT } from '../stack/bootstrap/places.mjs';
import type { Stack } from '../stack/start-stack.js';
import { RankingWriter, rankedAd } from '../tests/integration/ad-server-harness.js';
import { newCategory } from '../tests/integration/ad-server-world.js';
import { type FundedBusiness, fundAdvertisers } from '../tests/support/funded-advertisers.js';
import { clickPress } from '../tests/support/paid-clicks.js';
import { poll, quantile } from '../tests/support/poll.js';
import { connectShop, newDevice, type Shop } from '../tests/support/shop.js';
import type { BenchRow } from './bench-row.js';

/**
 * From the answer to the click that took the last won until no answer holds the ad any more; then the same stop
 * written without the message that usually carries it, as when the worker dies between commit and publish.
 */
const TIMES = 200;
const LOST_TIMES = 40;
const PRICE_KRW = 500;
const GONE_WITHIN_MS = 10_000;

export async function benchExhausted(stack: Stack): Promise<BenchRow[]> {
  const means = { cashKrw: 1_000_000, dailyBudgetKrw: PRICE_KRW, totalBudgetKrw: null };
  const business = await fundAdvertisers(stack.env, TIMES, () => means, 'exhausted');
  const monitor = await startMonitor(stack);
  const writer = new RankingWriter(business.config.REDIS_URL);
  try {
    await writer.redis.setnx(REDIS_KEYS.rankingEpoch, randomUUID());
    const shop = connectShop(`http://127.0.0.1:${stack.ports.adServer}`, business.apiKey);
    const watch: Watch = { business, writer, shop, press: clickPress(business.config) };
    const [told, lost] = campaignsOf(business);
    const after = await inTurn(told, (campaign) => goneAfterClick(watch, campaign));
    const afterLoss = await inTurn(lost.slice(0, LOST_TIMES), (campaign) => goneAfterLoss(watch, campaign));
    return [
      row('exhausting charge answered until gone from the answers, p99', after, 500),
      row('the same with the message lost, slowest', afterLoss, 1_000),
    ];
  } finally {
    writer.redis.disconnect();
    await monitor.end();
    await business.close();
  }
}

type Campaign = FundedBusiness['campaigns'][number];

interface Watch {
  readonly business: FundedBusiness;
  readonly writer: RankingWriter;
  readonly shop: Shop;
  readonly press: ReturnType<typeof clickPress>;
}

/** Each advertiser has two: one for each way. */
function campaignsOf({ campaigns }: FundedBusiness): readonly [Campaign[], Campaign[]] {
  const numbered = (ending: string) => campaigns.filter(({ campaignId }) => campaignId.endsWith(ending));
  return [numbered('x0'), numbered('x1')];
}

async function inTurn(
  campaigns: readonly Campaign[],
  measure: (campaign: Campaign) => Promise<number>,
): Promise<number[]> {
  const figures: number[] = [];
  for (const campaign of campaigns) figures.push(await measure(campaign));
  return figures;
}

/** A category with this ad alone, and how to ask whether it is there. */
async function shown({ writer, shop }: Watch, campaign: Campaign) {
  const category = newCategory();
  const ad = rankedAd(campaign.campaignId, PRICE_KRW, { ...campaign, adId: `ad_${campaign.campaignId}` });
  await writer.write('CATEGORY', category, [ad]);
  const isThere = async () => {
    const { body } = await shop.ads({ placement: 'CATEGORY', category, deviceId: newDevice() });
    return body.ads.length > 0;
  };
  await poll('the ad is shown', isThere);
  return async () => {
    const startedAt = performance.now();
    await poll('the ad is gone', async () => !(await isThere()), GONE_WITHIN_MS, 1);
    return performance.now() - startedAt;
  };
}

async function goneAfterClick(watch: Watch, campaign: Campaign): Promise<number> {
  const untilGone = await shown(watch, campaign);
  const { clickToken, adId, deviceId, clickedAt } = watch.press(
    { ...campaign, priceKrw: PRICE_KRW },
    Date.now(),
  );
  const { body } = await watch.shop.click({ clickToken, adId, deviceId, clickedAt });
  if (body.outcome !== 'charged') throw new Error(`the last click was ${body.outcome}`);
  return untilGone();
}

/** Written as the charging transaction does, by a session that notifies nobody. */
async function goneAfterLoss(watch: Watch, campaign: Campaign): Promise<number> {
  const untilGone = await shown(watch, campaign);
  await watch.business.pool.query(
    `INSERT INTO serving_stop (scope, id, stopped, reason, version, updated_at)
     VALUES ('campaign', $1, true, 'balance_exhausted', nextval('serving_stop_version'), now())`,
    [campaign.campaignId],
  );
  return untilGone();
}

function row(what: string, figures: readonly number[], atMost: number): BenchRow {
  const at = (q: number) => quantile(figures, q).toFixed(0);
  return {
    what,
    against: '',
    ratio: quantile(figures, 0.99),
    target: { atMost },
    unit: 'ms',
    details: `${figures.length} campaigns one after the other: p50 ${at(0.5)} ms, slowest ${Math.max(...figures).toFixed(0)} ms`,
  };
}

/** The budget monitor without Flink, which its group of the stack would bring along. */
async function startMonitor(stack: Stack) {
  const child = execa(process.execPath, ['dist/processes/main.js', 'budget-monitor'], {
    cwd: REPO_ROOT,
    env: { ...stack.env, OPS_PORT: String(stack.ports.backgroundOps), INSTANCE_NAME: 'bench-monitor' },
    stdio: 'ignore',
    reject: false,
  });
  await poll(
    'the budget monitor is ready',
    async () => {
      const answer = await fetch(`http://127.0.0.1:${stack.ports.backgroundOps}/readyz`).catch(() => null);
      return answer?.status === 200;
    },
    60_000,
    100,
  );
  return {
    end: async () => {
      child.kill('SIGTERM');
      await child;
    },
  };
}
