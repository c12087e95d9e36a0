import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adClickedSchema } from '../../contracts/events/ad-events.js';
import { REDIS_CHANNELS } from '../../contracts/redis-keys.js';
import type { ClickReason } from '../../domain/click-outcome.js';
import { createClickTokens } from '../../infra/click-token.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { poll } from '../support/poll.js';
import { connectShop, newDevice, type Shop, type ShopClick } from '../support/shop.js';
import { rankedAd, startTestAdServer, type TestAdServer, untilReady } from './ad-server-harness.js';
import { AdServerWorld, inCategory, newCategory } from './ad-server-world.js';

let world: AdServerWorld;
/** On the same stores, with time enough to wait for an outcome that this test publishes. */
let patient: TestAdServer;
let patientShop: Shop;
beforeAll(async () => {
  world = await AdServerWorld.open();
  patient = await startTestAdServer({
    ...world.config,
    INSTANCE_NAME: `${world.config.INSTANCE_NAME}-patient`,
    CLICK_OUTCOME_TIMEOUT_MS: 30_000,
  });
  await untilReady(patient);
  patientShop = connectShop(patient.url, world.apiKey, Date.now, 60_000);
});
afterAll(async () => {
  await patient.stop();
  await world.close();
});

const minuteNow = () => Math.floor(Date.now() / 60_000);

describe('a click', () => {
  it('is appended under its advertiser and answered as accepted while nobody decides', async () => {
    const click = await world.servedClick('undecided');
    const { status, body, ms } = await world.shop.click(click);
    expect(status).toBe(202);
    expect(body).toEqual({ clickId: expect.any(String), outcome: 'accepted' });
    expect(ms).toBeGreaterThanOrEqual(world.config.CLICK_OUTCOME_TIMEOUT_MS - 5);
    const event = await world.clickEvent(click.adId);
    expect(event.key).toBe('adv_undecided');
    expect(event.headers).toEqual({ type: 'AD_CLICKED', 'reply-to': world.config.INSTANCE_NAME });
    expect(adClickedSchema.parse(event.value)).toMatchObject({
      eventId: `clicked:${body.clickId}`,
      clickId: body.clickId,
      campaignId: 'cmp_undecided',
      tokenPriceKrw: 300,
      priceReason: { rankScore: 10_000_000, runnerUpScore: 6_000_000, bidFloorKrw: 50, parametersVersion: 1 },
      slot: 1,
      signals: { expired: false, listedBot: false, deviceClicksPerMinute: 1, sinceSameAdMs: null },
      clean: true,
    });
  });

  const answerWith = async (clickId: string, outcome: string, reason: ClickReason | null, krw: number) =>
    world.writer.redis.publish(
      REDIS_CHANNELS.clickOutcomes(`${world.config.INSTANCE_NAME}-patient`),
      JSON.stringify([{ clickId, outcome, reason, chargedCpcKrw: krw }]),
    );

  it.each([
    ['charged', null, 300, { outcome: 'charged', chargedCpcKrw: 300 }],
    [
      'over_budget',
      'daily_budget_exhausted',
      0,
      { outcome: 'not_charged', reason: 'daily_budget_exhausted' },
    ],
    ['invalid', 'double_click', 0, { outcome: 'not_charged', reason: 'double_click' }],
  ] as const)('that is decided as %s is answered so', async (outcome, reason, krw, expected) => {
    const click = await world.servedClick(`decided-${outcome}`, patientShop);
    const answer = patientShop.click(click);
    const { value } = await world.clickEvent(click.adId);
    await answerWith(String(value.clickId), outcome, reason, krw);
    const { status, body } = await answer;
    expect({ status, ...body }).toEqual({ status: 200, clickId: value.clickId, ...expected });
  });

  it('sent twice at once is one event, and both callers hear the answer', async () => {
    const click = await world.servedClick('twice', patientShop);
    const answers = Promise.all([1, 2, 3].map(() => patientShop.click(click)));
    const { value } = await world.clickEvent(click.adId);
    await answerWith(String(value.clickId), 'charged', null, 300);
    for (const { status, body } of await answers)
      expect({ status, ...body }).toMatchObject({ status: 200, clickId: value.clickId });
    expect(world.clicksOf(click.adId)).toHaveLength(1);
  });

  it('sent again later has the same id, and its signals are those of the first time', async () => {
    const click = await world.servedClick('again');
    const first = await world.shop.click(click);
    const second = await world.shop.click(click);
    expect(second.body.clickId).toBe(first.body.clickId);
    await poll('both appends', () => Promise.resolve(world.clicksOf(click.adId).length === 2));
    const [one, two] = world.clicksOf(click.adId).map((event) => adClickedSchema.parse(event.value).signals);
    expect(two).toEqual({ ...one, tokenAgeMs: two?.tokenAgeMs });
  });

  it('on the same ad by the same device within ten seconds carries the double-click signal', async () => {
    const twoClicks = async (name: string) => {
      const click = await world.servedClick(name);
      await world.shop.click(click);
      const category = newCategory();
      await world.writer.write('CATEGORY', category, [rankedAd(name, 500)]);
      await world.untilShown(category, [`ad_${name}`]);
      const next = await world.shop.ads(inCategory(category, { deviceId: click.deviceId }));
      await world.shop.click({ ...click, clickToken: next.body.clickToken });
      await poll('both clicks', () => Promise.resolve(world.clicksOf(`ad_${name}`).length === 2));
      return world.clicksOf(`ad_${name}`).map((event) => adClickedSchema.parse(event.value));
    };
    const missing = () => world.server.metric('ads_click_counters_missing_total');
    // A machine that stalls costs a click its counters, and says so; the minute of the counters may turn, too.
    const pairs = [0, 1, 2, 3, 4].map((n) => `double-${n}`);
    const clicks = await poll('two clicks were counted within one minute', async () => {
      const name = pairs.shift();
      if (name === undefined) throw new Error('no pair of clicks was counted');
      const [uncounted, minute] = [await missing(), minuteNow()];
      const pair = await twoClicks(name);
      return (await missing()) === uncounted && minuteNow() === minute && pair;
    });
    const later = clicks.find((event) => event.signals.sinceSameAdMs !== null);
    expect(later?.signals.deviceClicksPerMinute).toBe(2);
    expect(later?.clean).toBe(false);
  });

  it('with a token that is too old is still an event, marked expired', async () => {
    const click = await world.servedClick('old');
    const tokens = createClickTokens(world.config.CLICK_TOKEN_KEYS);
    const verdict = tokens.verify(click.clickToken, Date.now());
    if (!verdict.ok) throw new Error(verdict.refusal);
    const issuedAt = Date.now() - 31 * 60_000;
    const clickToken = tokens.sign({ ...verdict.payload, issuedAt });
    const inTime = new Date(issuedAt + 60_000).toISOString();
    expect((await world.shop.click({ ...click, clickToken })).status).toBe(202);
    expect((await world.shop.click({ ...click, clickToken, clickedAt: inTime })).status).toBe(202);
    await poll('both clicks', () => Promise.resolve(world.clicksOf(click.adId).length === 2));
    const parsed = world.clicksOf(click.adId).map((event) => adClickedSchema.parse(event.value));
    expect(parsed.map((event) => event.signals.expired)).toEqual([true, false]);
    expect(parsed[1]?.clickedAt).toBe(issuedAt + 60_000);
  });

  it('that is forged is refused with a reason and leaves no event', async () => {
    const click = await world.servedClick('forged');
    const foreign = createClickTokens(`demo1:${'ab'.repeat(32)}`);
    const genuine = createClickTokens(world.config.CLICK_TOKEN_KEYS).verify(click.clickToken, Date.now());
    if (!genuine.ok) throw new Error(genuine.refusal);
    const cheaper = genuine.payload.ads.map((ad) => ({ ...ad, priceKrw: 50 }));
    const forgeries: ShopClick[] = [
      { ...click, clickToken: `${click.clickToken.slice(0, -2)}xx` },
      { ...click, clickToken: foreign.sign({ ...genuine.payload, ads: cheaper }) },
      { ...click, clickToken: 'not-a-token-at-all' },
      { ...click, adId: 'ad_stranger' },
      { ...click, deviceId: newDevice() },
    ];
    for (const forgery of forgeries) {
      const { status, body } = await world.shop.click(forgery);
      expect({ status, code: body.code }).toEqual({ status: 400, code: 'forged_click_token' });
    }
    expect(await world.server.metric('ads_click_token_refused_total{refusal="other_device"}')).toBe(1);
    expect(await world.server.metric('ads_click_token_refused_total{refusal="bad_signature"}')).toBe(2);
    await world.shop.click(click);
    await world.clickEvent(click.adId);
    expect(world.clicksOf(click.adId)).toHaveLength(1);
  });

  it('can be looked up once it is decided', async () => {
    const click = await world.servedClick('looked-up');
    const { body } = await world.shop.click(click);
    expect((await world.shop.clickStatus(body.clickId)).status).toBe(404);
    const event = adClickedSchema.parse((await world.clickEvent(click.adId)).value);
    const source = { topic: 'ad-events', partition: 0, offset: '0' };
    await chargeClicks(world.database.appPool, [{ click: event, source }], { bidFloorKrw: 50 });
    const status = await world.shop.clickStatus(body.clickId);
    expect({ status: status.status, ...status.body }).toEqual({
      status: 200,
      clickId: body.clickId,
      outcome: 'not_charged',
      reason: 'unknown_campaign',
      decision: 'invalid',
    });
    expect((await world.shop.clickStatus('nonsense')).status).toBe(400);
  });
});

describe('stopping', () => {
  it('finishes what was taken: the click in flight is answered and in the log', async () => {
    const own = await startTestAdServer(world.config);
    await untilReady(own);
    const ownShop = connectShop(own.url, world.apiKey);
    const click = await world.servedClick('draining', ownShop);
    const answer = ownShop.click(click);
    await world.clickEvent(click.adId);
    await own.stop();
    expect((await answer).status).toBe(202);
    await expect(ownShop.ads({ placement: 'HOME', deviceId: 'd' })).rejects.toThrow();
  });
});
