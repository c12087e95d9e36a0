import { randomBytes } from 'node:crypto';
import type { Consumer } from 'kafkajs';
import { TOPICS } from '../../contracts/topics.js';
import { API_SCOPES } from '../../domain/access.js';
import type { Config } from '../../infra/config.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { poll } from '../support/poll.js';
import { connectShop, newDevice, type Shop, type ShopClick } from '../support/shop.js';
import {
  followEvents,
  harnessConfig,
  insertApiKey,
  type LoggedEvent,
  RankingWriter,
  rankedAd,
  startTestAdServer,
  type TestAdServer,
  untilReady,
} from './ad-server-harness.js';

/** An ad server on real stores, the shop that asks it, the writer of its rankings and a reader of its log. */
export class AdServerWorld {
  private constructor(
    readonly config: Config,
    readonly database: TestDatabase,
    readonly writer: RankingWriter,
    readonly server: TestAdServer,
    readonly apiKey: string,
    readonly shop: Shop,
    private readonly events: LoggedEvent[],
    private readonly consumer: Consumer,
  ) {}

  /** `adjust` changes the ad server's own view of the stores. */
  static async open(adjust: (config: Config) => Config = (config) => config): Promise<AdServerWorld> {
    const database = await createTestDatabase();
    const config = harnessConfig(database.appUrl);
    const apiKey = await insertApiKey(database.appPool, config.HASH_KEY, API_SCOPES);
    const writer = new RankingWriter(config.REDIS_URL);
    await writer.start();
    const { events, consumer } = await followEvents(config, TOPICS.adEvents);
    const server = await startTestAdServer(adjust(config));
    await untilReady(server);
    const shop = connectShop(server.url, apiKey);
    return new AdServerWorld(config, database, writer, server, apiKey, shop, events, consumer);
  }

  async close(): Promise<void> {
    await this.server.stop();
    await this.consumer.disconnect();
    this.writer.redis.disconnect();
    await this.database.drop();
  }

  /** Ends the reading of the log, for measurements. */
  async stopReading(): Promise<void> {
    await this.consumer.stop();
  }

  async shownIn(category: string, from: Shop = this.shop): Promise<string[]> {
    const { body } = await from.ads(inCategory(category));
    return body.ads.map((ad) => ad.adId);
  }

  untilShown(category: string, adIds: string[], withinMs?: number, from: Shop = this.shop) {
    return poll(
      `${adIds.join(', ') || 'nothing'} shown`,
      async () => (await this.shownIn(category, from)).join() === adIds.join(),
      withinMs,
    );
  }

  /** A click on an ad that was really served, at 300 won. */
  async servedClick(name: string, from: Shop = this.shop): Promise<ShopClick> {
    const category = newCategory();
    await this.writer.write('CATEGORY', category, [rankedAd(name, 500), rankedAd(`${name}-rival`, 300)]);
    await this.untilShown(category, [`ad_${name}`, `ad_${name}-rival`], undefined, from);
    const deviceId = newDevice();
    const { body } = await from.ads({ placement: 'CATEGORY', category, deviceId });
    return { clickToken: body.clickToken, adId: `ad_${name}`, deviceId };
  }

  eventsOf(type: string): LoggedEvent[] {
    return this.events.filter((event) => event.value.type === type);
  }

  clicksOf(adId: string): LoggedEvent[] {
    return this.eventsOf('AD_CLICKED').filter((event) => event.value.adId === adId);
  }

  clickEvent(adId: string): Promise<LoggedEvent> {
    return poll(`AD_CLICKED of ${adId}`, () => Promise.resolve(this.clicksOf(adId)[0]));
  }
}

/** A category of its own for each test, so that none sees another's ranking. */
export const newCategory = () => `category-${randomBytes(4).toString('hex')}`;

export const inCategory = (category: string, more: Record<string, string | number> = {}) => ({
  placement: 'CATEGORY',
  category,
  deviceId: newDevice(),
  ...more,
});
