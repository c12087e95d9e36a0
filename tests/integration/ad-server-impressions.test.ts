import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adViewedSchema } from '../../contracts/events/ad-events.js';
import { TOPICS } from '../../contracts/topics.js';
import { createClickTokens } from '../../infra/click-token.js';
import { poll } from '../support/poll.js';
import { newDevice } from '../support/shop.js';
import { insertApiKey, rankedAd } from './ad-server-harness.js';
import { fieldsOf, recordsIn, report, withoutKafka } from './ad-server-reports.js';
import { AdServerWorld, newCategory } from './ad-server-world.js';

const HOUR_MS = 3_600_000;

let world: AdServerWorld;
beforeAll(async () => {
  world = await AdServerWorld.open();
});
afterAll(() => world.close());

const send = (body: unknown, apiKey = world.apiKey) =>
  report(world.server.url, apiKey, '/v1/impressions', body);
const viewed = (adId: string) => world.eventsOf('AD_VIEWED').filter((event) => event.value.adId === adId);

/** An answer with two ads, once its ADS_SERVED is in the log too. */
async function served(name: string) {
  const category = newCategory();
  await world.writer.write('CATEGORY', category, [rankedAd(name, 500), rankedAd(`${name}-2`, 300)]);
  await world.untilShown(category, [`ad_${name}`, `ad_${name}-2`]);
  const deviceId = newDevice();
  const { body } = await world.shop.ads({ placement: 'CATEGORY', category, deviceId });
  const isLogged = () =>
    world.eventsOf('ADS_SERVED').some((event) => JSON.stringify(event.value).includes(body.requestId));
  await poll('the answer is in the log', () => Promise.resolve(isLogged()));
  return { clickToken: body.clickToken, deviceId, requestId: body.requestId };
}

describe('a report of seen ads', () => {
  it('is one event per ad, under the request, with the token’s facts', async () => {
    const { requestId, ...shown } = await served('seen');
    const answer = await send({ ...shown, adIds: ['ad_seen', 'ad_seen-2'] });
    expect(answer).toMatchObject({ status: 202, body: { requestId, recorded: 2 } });
    await poll('both views', () => Promise.resolve(viewed('ad_seen-2')[0]));
    const [event] = viewed('ad_seen-2');
    expect(event?.key).toBe(requestId);
    expect(event?.headers).toEqual({ type: 'AD_VIEWED' });
    expect(adViewedSchema.parse(event?.value)).toMatchObject({
      eventId: `viewed:${requestId}:ad_seen-2`,
      requestId,
      placement: 'CATEGORY',
      slot: 2,
      campaignId: 'cmp_seen-2',
    });
    expect(viewed('ad_seen')).toHaveLength(1);
  });

  it('sent again has the same event id', async () => {
    const { requestId, ...shown } = await served('seen-again');
    await send({ ...shown, adIds: ['ad_seen-again'] });
    await send({ ...shown, adIds: ['ad_seen-again'] });
    await poll('both reports', () => Promise.resolve(viewed('ad_seen-again').length === 2));
    expect(new Set(viewed('ad_seen-again').map((event) => event.value.eventId)).size).toBe(1);
  });

  it('counts up to 24 hours after the ads were served', async () => {
    const { requestId, ...shown } = await served('late');
    const tokens = createClickTokens(world.config.CLICK_TOKEN_KEYS);
    const verdict = tokens.verify(shown.clickToken, Date.now());
    if (!verdict.ok) throw new Error(verdict.refusal);
    const aged = (ageMs: number) => tokens.sign({ ...verdict.payload, issuedAt: Date.now() - ageMs });
    const adIds = ['ad_late'];
    expect((await send({ ...shown, adIds, clickToken: aged(23 * HOUR_MS) })).status).toBe(202);
    const before = await recordsIn(world.config, TOPICS.adEvents);
    const tooLate = await send({ ...shown, adIds, clickToken: aged(25 * HOUR_MS) });
    expect([tooLate.status, tooLate.body.code]).toEqual([422, 'expired_click_token']);
    expect(await recordsIn(world.config, TOPICS.adEvents)).toBe(before);
  });
});

describe('a wrong report of seen ads leaves no event:', () => {
  it('forged tokens, ads of another answer, another device', async () => {
    const { requestId, ...shown } = await served('forged-view');
    const adIds = ['ad_forged-view'];
    const before = await recordsIn(world.config, TOPICS.adEvents);
    const forgeries = [
      { ...shown, adIds, clickToken: `${shown.clickToken.slice(0, -2)}xx` },
      { ...shown, adIds: [...adIds, 'ad_stranger'] },
      { ...shown, adIds, deviceId: newDevice() },
    ];
    for (const forgery of forgeries) {
      const answer = await send(forgery);
      expect([answer.status, answer.body.code]).toEqual([400, 'forged_click_token']);
      expect(answer.body.nextStep).toEqual(expect.any(String));
    }
    expect(await recordsIn(world.config, TOPICS.adEvents)).toBe(before);
  });

  it('malformed bodies are told all their problems', async () => {
    const { requestId, ...shown } = await served('malformed-view');
    const before = await recordsIn(world.config, TOPICS.adEvents);
    const wrong = await send({ clickToken: 'short', adIds: [], colour: 'red' });
    expect(wrong.status).toBe(400);
    expect(fieldsOf(wrong).sort()).toEqual(['body.adIds', 'body.clickToken', 'body.colour', 'body.deviceId']);
    const twice = await send({ ...shown, adIds: ['ad_malformed-view', 'ad_malformed-view'] });
    expect([twice.status, fieldsOf(twice)]).toEqual([400, ['body.adIds.1']]);
    const many = await send({ ...shown, adIds: Array.from({ length: 21 }, (_, index) => `ad_${index}`) });
    expect([many.status, fieldsOf(many)]).toEqual([400, ['body.adIds']]);
    const broken = await send('{"clickToken":');
    expect([broken.status, broken.body.code]).toEqual([400, 'malformed_json']);
    const large = await send({ ...shown, adIds: ['x'.repeat(20_000)] });
    expect([large.status, large.body.code]).toEqual([413, 'body_too_large']);
    expect(await recordsIn(world.config, TOPICS.adEvents)).toBe(before);
  });

  it('keys without the scope, and no key', async () => {
    const { requestId, ...shown } = await served('scope-view');
    const before = await recordsIn(world.config, TOPICS.adEvents);
    const key = await insertApiKey(world.database.appPool, world.config.HASH_KEY, [
      'ads:read',
      'orders:write',
    ]);
    const body = { ...shown, adIds: ['ad_scope-view'] };
    expect((await send(body, key)).status).toBe(403);
    expect((await send(body, 'ak_nobody.nothing')).status).toBe(401);
    expect(await recordsIn(world.config, TOPICS.adEvents)).toBe(before);
  });
});

it('while Kafka is away a report of seen ads is answered with 503 and Retry-After', async () => {
  const { requestId, ...shown } = await served('no-log');
  await withoutKafka(world.config, async ({ url }) => {
    const body = { ...shown, adIds: ['ad_no-log'] };
    const answer = await report(url, world.apiKey, '/v1/impressions', body);
    expect(answer).toMatchObject({ status: 503, retryAfter: '1', body: { code: 'event_log_down' } });
  });
});
