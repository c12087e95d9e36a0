import { REDIS_KEYS } from '../../../contracts/redis-keys.js';
import { poll } from '../../support/poll.js';
import { newDevice } from '../../support/shop.js';
import { approveLoner } from './approve.js';
import type { Spine } from './context.js';

const GONE_WITHIN_MS = 1_000;
const QUERY = { placement: 'CATEGORY', category: 'garden', maxAds: 5 } as const;

/** Ten clicks spend the day's budget; the ad leaves the answers, and a click on an older answer costs nothing. */
export async function exhaustCampaign(spine: Spine): Promise<void> {
  spine.step('A campaign whose daily budget ends');
  const campaign = await approveLoner(spine);
  const shows = async () => {
    const answer = await spine.shop.ads({ ...QUERY, deviceId: newDevice() });
    return answer.body.ads.some((ad) => ad.campaignId === campaign.campaignId);
  };
  await poll('the campaign is served', shows);
  const lateDevice = newDevice();
  const servedBefore = await spine.shop.ads({ ...QUERY, deviceId: lateDevice });
  let chargedKrw = 0;
  let exhaustedAt = 0;
  for (let click = 1; click <= 10; click += 1) {
    const deviceId = newDevice();
    const ads = await spine.shop.ads({ ...QUERY, deviceId });
    const [ad] = ads.body.ads;
    if (ad === undefined) throw new Error(`gone after ${click - 1} clicks and ${chargedKrw} won`);
    const answer = await spine.shop.click({ clickToken: ads.body.clickToken, adId: ad.adId, deviceId });
    exhaustedAt = Date.now();
    chargedKrw += answer.body.chargedCpcKrw ?? 0;
  }
  spine.check('ten clicks at the floor spend the budget of 500 won', chargedKrw === 500, `${chargedKrw} won`);
  await poll('the exhausted campaign is gone', async () => !(await shows()), 10_000, 5);
  const goneMs = Date.now() - exhaustedAt;
  spine.check(
    'gone from the answers within 1 s',
    goneMs <= GONE_WITHIN_MS,
    `${goneMs} ms after the last charge`,
  );
  const [late] = servedBefore.body.ads;
  if (late === undefined) throw new Error('the earlier answer held no ad');
  const after = await spine.shop.click({
    clickToken: servedBefore.body.clickToken,
    adId: late.adId,
    deviceId: lateDevice,
  });
  spine.check(
    'a click on an ad served before is accepted and not charged',
    after.body.outcome === 'not_charged' && after.body.reason === 'daily_budget_exhausted',
    JSON.stringify(after.body),
  );
  const [memo] = await spine.facts.rows<{ over_delivery_clicks: string; over_delivery_krw: string }>(
    'SELECT over_delivery_clicks, over_delivery_krw FROM campaign_daily_spend WHERE campaign_id = $1',
    [campaign.campaignId],
  );
  spine.check('over-delivery stands in the memo', memo?.over_delivery_clicks === '1', JSON.stringify(memo));
  await poll(
    'the ranking lets it go too',
    async () =>
      !((await spine.redis.get(REDIS_KEYS.ranking('CATEGORY', 'garden'))) ?? '').includes(
        campaign.campaignId,
      ),
    10_000,
  );
  spine.check('the ranking lets it go too', true, `${Date.now() - exhaustedAt} ms`);
}
