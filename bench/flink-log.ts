import { seededRandom } from '../tests/proofs/proof.js';

/**
 * The log of a shop, the same for the same seed: 200 ad requests a second of ad time, five ads each from the top of a
 * ranking, and what follows from them. Text is put together by hand (`flink-log.test.ts` holds it to the contracts): two million records are
 * made in seconds. Time goes on in steps; a longer step makes a thinner log.
 */
export const CATALOGUE = {
  advertisers: 500,
  campaigns: 2_000,
  ads: 10_000,
  categories: 100,
  keywords: 2_000,
};
export const PARTITIONS = 4;
const DEVICES = 100_000;
const ADS_PER_REQUEST = 5;
const ADS_PER_CATEGORY = CATALOGUE.ads / CATALOGUE.categories;
const ADS_PER_CAMPAIGN = CATALOGUE.ads / CATALOGUE.campaigns;
const CAMPAIGNS_PER_ADVERTISER = CATALOGUE.campaigns / CATALOGUE.advertisers;
const KEYWORDS_PER_CAMPAIGN = 5;
/** The ad server gathers answers for 50 ms: at 200 requests a second ten of them are one record. */
export const REQUESTS_PER_RECORD = 10;
/** Of a step of 100 ms, which is 50 records on ad-events. */
const STEP = { served: 2, viewed: 40, clicked: 2, ticks: PARTITIONS };
export const STEP_RECORDS = STEP.served + STEP.viewed + 2 * STEP.clicked + STEP.ticks;
/** Order lines of the whole shop, with an ad or without, per step; ticks on conversion-events per 500 ms. */
const LINES_PER_STEP = 0.5;
const TICK_EVERY_STEPS = 5;
const CANCELLED_SHARE = 0.05;
const FROM_CLICK_SHARE = 0.2;
const VALID_SHARE = 0.93;
/** Disorder between producers; far below the watermark delay. */
const DISORDER_MS = 300;
const REMEMBERED = 4_096;
const PLACEMENTS = ['HOME', 'CATEGORY', 'PRODUCT_DETAIL', 'SEARCH'] as const;
/** Cumulated shares of the placements among requests, and of the first, second and third page of ads. */
const PLACEMENT_SHARES = [0.15, 0.45, 0.7, 1];
const PAGE_SHARES = [0.8, 0.95, 1];

export interface LogRecord {
  readonly topic: 'ad-events' | 'conversion-events' | 'campaign-events';
  readonly partition: number;
  readonly key: string | null;
  readonly type: string;
  readonly value: string;
}

export interface LogWish {
  /** Records on ad-events. */
  readonly events: number;
  readonly seed: number;
  readonly startMs: number;
  /** Event time of one step: 100 ms is 500 records a second on ad-events. */
  readonly stepMs: number;
}

interface ShownAd {
  readonly ad: number;
  readonly placement: string;
  readonly request: string;
  readonly device: number;
  readonly slot: number;
}

interface Click extends ShownAd {
  readonly clickId: string;
  readonly at: number;
}

const padded = (n: number, digits: number) => String(n).padStart(digits, '0');
export const adIdOf = (ad: number) => `ad_${padded(ad, 16)}`;
export const campaignOf = (ad: number) => Math.floor(ad / ADS_PER_CAMPAIGN);
export const campaignIdOf = (campaign: number) => `cmp_${padded(campaign, 16)}`;
export const advertiserOf = (campaign: number) => Math.floor(campaign / CAMPAIGNS_PER_ADVERTISER);
export const advertiserIdOf = (advertiser: number) => `adv_${padded(advertiser, 16)}`;
const productIdOf = (ad: number) => `product-${padded(ad, 8)}`;
const deviceHashOf = (device: number) => padded(device, 8).repeat(4);

/** Every keyword is one of five campaigns', whatever the number of it within the campaign. */
const KEYWORD_STEP = 7;
const KEYWORD_SHIFT = 401;
/** 7 * 1,143 leaves 1 over 2,000. */
const KEYWORD_STEP_INVERSE = 1_143;

/** The campaign that has the keyword as its `index`th. */
export function campaignOfKeyword(keyword: number, index: number): number {
  const shifted = keyword - index * KEYWORD_SHIFT + KEYWORDS_PER_CAMPAIGN * CATALOGUE.keywords;
  return (shifted * KEYWORD_STEP_INVERSE) % CATALOGUE.campaigns;
}

/** Every campaign once, enabled, on all placements. */
export function* campaignRecords(startMs: number): Generator<LogRecord> {
  for (let campaign = 0; campaign < CATALOGUE.campaigns; campaign += 1) {
    const campaignId = campaignIdOf(campaign);
    const ads = Array.from({ length: ADS_PER_CAMPAIGN }, (_, index) => {
      const ad = campaign * ADS_PER_CAMPAIGN + index;
      return {
        adId: adIdOf(ad),
        productId: productIdOf(ad),
        categoryId: `category-${ad % CATALOGUE.categories}`,
      };
    });
    const keywords = Array.from(
      { length: KEYWORDS_PER_CAMPAIGN },
      (_, index) => `keyword${(campaign * KEYWORD_STEP + index * KEYWORD_SHIFT) % CATALOGUE.keywords}`,
    );
    const bids = PLACEMENTS.map((placement, index) => ({
      placement,
      maxCpcKrw: 100 + ((campaign * 37 + index * 11) % 900),
    }));
    const type = 'CAMPAIGN_APPROVED';
    const snapshot = { campaignId, advertiserId: advertiserIdOf(advertiserOf(campaign)), version: 1 };
    const value = JSON.stringify({
      eventId: `campaign:${campaignId}:1`,
      schemaVersion: 1,
      recordedAt: startMs,
      type,
      ...snapshot,
      status: 'enabled',
      ads,
      keywords,
      bids,
      startAt: startMs - 86_400_000,
      endAt: startMs + 90 * 86_400_000,
    });
    const partition = campaign % PARTITIONS;
    yield { topic: 'campaign-events', partition, key: `campaign:${campaignId}`, type, value };
  }
}

/** The last things of a kind, to come back to. */
class Recent<T> {
  readonly #items: T[] = [];
  #next = 0;

  constructor(private readonly random: () => number) {}

  add(item: T): void {
    this.#items[this.#next % REMEMBERED] = item;
    this.#next += 1;
  }

  any(): T | undefined {
    return this.#items[Math.floor(this.random() * this.#items.length)];
  }
}

/** Shoppers, as records of ad-events and conversion-events in the order of their time. */
export class ShopLog {
  readonly #random: () => number;
  readonly #shown: Recent<ShownAd>;
  readonly #clicks: Recent<Click>;
  readonly #lines: Recent<{ line: string; order: string; device: number }>;
  #number = 0;
  #owedLines = 0;

  constructor(private readonly wish: LogWish) {
    this.#random = seededRandom(wish.seed);
    this.#shown = new Recent(this.#random);
    this.#clicks = new Recent(this.#random);
    this.#lines = new Recent(this.#random);
  }

  *records(): Generator<LogRecord> {
    for (const { records } of this.steps()) yield* records;
  }

  *steps(): Generator<{ readonly at: number; readonly records: readonly LogRecord[] }> {
    const steps = Math.ceil(this.wish.events / STEP_RECORDS);
    for (let step = 0; step < steps; step += 1) {
      const at = this.wish.startMs + step * this.wish.stepMs;
      yield { at, records: [...this.#step(at, step)] };
    }
  }

  *#step(at: number, step: number): Generator<LogRecord> {
    for (let n = 0; n < STEP.served; n += 1) yield this.#served(at);
    for (let n = 0; n < STEP.viewed; n += 1) {
      const record = this.#viewed(at);
      if (record !== undefined) yield record;
    }
    for (let n = 0; n < STEP.clicked; n += 1) yield* this.#clicked(at);
    for (let partition = 0; partition < STEP.ticks; partition += 1)
      yield this.#tick('ad-events', partition, at);
    yield* this.#orders(at, step);
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  /** Squared: a few are wanted much more than the others. */
  #popular(n: number): number {
    return Math.floor(this.#random() ** 2 * n);
  }

  #when(at: number): number {
    return at - this.#below(Math.min(DISORDER_MS, this.wish.stepMs));
  }

  #nextId(): string {
    this.#number += 1;
    return padded(this.#number, 12);
  }

  #served(at: number): LogRecord {
    let served = '';
    let first = '';
    for (let n = 0; n < REQUESTS_PER_RECORD; n += 1) {
      const request = `rq${this.#nextId()}abcdefgh`;
      if (n === 0) first = request;
      served += `${n === 0 ? '' : ','}${this.#request(request)}`;
    }
    const type = 'ADS_SERVED';
    const value = `{"eventId":"served:${first}","schemaVersion":1,"recordedAt":${this.#when(at)},"type":"${type}","served":[${served}]}`;
    return { topic: 'ad-events', partition: this.#below(PARTITIONS), key: first, type, value };
  }

  #request(request: string): string {
    const place = this.#random();
    const placement = PLACEMENTS[PLACEMENT_SHARES.findIndex((most) => place < most)] ?? 'SEARCH';
    const share = this.#random();
    const device = this.#popular(DEVICES);
    const page = PAGE_SHARES.findIndex((most) => share < most);
    const adAt = this.#ranking(placement);
    let ads = '';
    for (let slot = 1; slot <= ADS_PER_REQUEST; slot += 1) {
      const ad = adAt(page * ADS_PER_REQUEST + slot - 1);
      ads += `${slot === 1 ? '' : ','}{"slot":${slot},"adId":"${adIdOf(ad)}","campaignId":"${campaignIdOf(campaignOf(ad))}"}`;
      if (this.#random() < 0.4) this.#shown.add({ ad, placement, request, device, slot });
    }
    return `{"requestId":"${request}","placement":"${placement}","ads":[${ads}]}`;
  }

  /** The ads that a shopper is shown there, from the top: of the shop, of a category, or of a keyword. */
  #ranking(placement: (typeof PLACEMENTS)[number]): (rank: number) => number {
    if (placement === 'HOME') return (rank) => (rank * 7_919) % CATALOGUE.ads;
    if (placement === 'SEARCH') {
      const keyword = this.#popular(CATALOGUE.keywords);
      return (rank) =>
        campaignOfKeyword(keyword, rank % KEYWORDS_PER_CAMPAIGN) * ADS_PER_CAMPAIGN +
        (Math.floor(rank / KEYWORDS_PER_CAMPAIGN) % ADS_PER_CAMPAIGN);
    }
    const category = this.#popular(CATALOGUE.categories);
    return (rank) => category + CATALOGUE.categories * ((rank * 37 + category) % ADS_PER_CATEGORY);
  }

  #viewed(at: number): LogRecord | undefined {
    const shown = this.#shown.any();
    if (shown === undefined) return undefined;
    const type = 'AD_VIEWED';
    const value = `{"eventId":"viewed:${shown.request}:${shown.ad}:${this.#nextId()}","schemaVersion":1,"recordedAt":${this.#when(at)},"type":"${type}","requestId":"${shown.request}","placement":"${shown.placement}","slot":${shown.slot},"adId":"${adIdOf(shown.ad)}","campaignId":"${campaignIdOf(campaignOf(shown.ad))}","deviceHash":"${deviceHashOf(shown.device)}"}`;
    return { topic: 'ad-events', partition: this.#below(PARTITIONS), key: shown.request, type, value };
  }

  /** A click, and what was decided about it a moment later. */
  *#clicked(at: number): Generator<LogRecord> {
    const shown = this.#shown.any();
    if (shown === undefined) return;
    const recordedAt = this.#when(at);
    const clickId = `018f0000-0000-7000-8000-${this.#nextId()}`;
    const campaign = campaignOf(shown.ad);
    const advertiserId = advertiserIdOf(advertiserOf(campaign));
    const valid = this.#random() < VALID_SHARE;
    const ids = `"advertiserId":"${advertiserId}","campaignId":"${campaignIdOf(campaign)}","adId":"${adIdOf(shown.ad)}"`;
    const place = `"placement":"${shown.placement}","slot":${shown.slot}`;
    const clicked = `{"eventId":"clicked:${clickId}","schemaVersion":1,"recordedAt":${recordedAt},"type":"AD_CLICKED","clickId":"${clickId}","requestId":"${shown.request}",${ids},"productId":"${productIdOf(shown.ad)}",${place},"tokenPriceKrw":310,"priceReason":{"rankScore":9300000,"runnerUpScore":9100000,"bidFloorKrw":50,"parametersVersion":1},"tokenIssuedAt":${recordedAt - 20_000},"clickedAt":${recordedAt - 60},"deviceHash":"${deviceHashOf(shown.device)}","ipHash":"${deviceHashOf(shown.device)}","signals":{"tokenAgeMs":20000,"expired":false,"listedBot":false,"deviceClicksPerMinute":1,"ipClicksPerMinute":1,"sinceSameAdMs":null},"clean":${valid}}`;
    const decided = `{"eventId":"decided:${clickId}","schemaVersion":1,"recordedAt":${recordedAt + 20},"type":"AD_CLICK_DECIDED","clickId":"${clickId}",${ids},${place},"outcome":"${valid ? 'charged' : 'invalid'}","reason":${valid ? 'null' : '"double_click"'},"valid":${valid},"chargedCpcKrw":${valid ? 310 : 0},"cashKrw":${valid ? 310 : 0},"promoKrw":0,"bookedDate":"2026-01-05"}`;
    const partition = advertiserOf(campaign) % PARTITIONS;
    const common = { topic: 'ad-events', partition, key: advertiserId } as const;
    yield { ...common, type: 'AD_CLICKED', value: clicked };
    yield { ...common, type: 'AD_CLICK_DECIDED', value: decided };
    if (valid) this.#clicks.add({ ...shown, clickId, at: recordedAt });
  }

  #tick(topic: LogRecord['topic'], partition: number, at: number): LogRecord {
    const type = 'CLOCK_TICK';
    const value = `{"eventId":"tick:${topic}:${partition}:${at}","schemaVersion":1,"recordedAt":${at},"type":"${type}"}`;
    return { topic, partition, key: null, type, value };
  }

  *#orders(at: number, step: number): Generator<LogRecord> {
    this.#owedLines += LINES_PER_STEP;
    for (; this.#owedLines >= 1; this.#owedLines -= 1) yield* this.#orderLine(at);
    if (step % TICK_EVERY_STEPS !== 0) return;
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      yield this.#tick('conversion-events', partition, at);
  }

  /** A fifth by somebody who clicked lately, half of them on what they clicked; sometimes an older one is taken back. */
  *#orderLine(at: number): Generator<LogRecord> {
    const recordedAt = this.#when(at);
    const click = this.#random() < FROM_CLICK_SHARE ? this.#clicks.any() : undefined;
    const device = click?.device ?? this.#popular(DEVICES);
    const clickedAd = click?.ad ?? this.#below(CATALOGUE.ads);
    const isDirect = this.#random() < 0.5;
    const ad = isDirect
      ? clickedAd
      : campaignOf(clickedAd) * ADS_PER_CAMPAIGN + this.#below(ADS_PER_CAMPAIGN);
    const order = `order-${this.#nextId()}`;
    const line = `${order}:1`;
    yield this.#conversionRecord('ORDER_LINE_PLACED', recordedAt, { line, order, device }, ad);
    this.#lines.add({ line, order, device });
    if (click !== undefined && click.at <= recordedAt)
      yield this.#converted(click, ad, line, order, recordedAt);
    if (this.#random() >= CANCELLED_SHARE) return;
    const earlier = this.#lines.any();
    if (earlier !== undefined) yield this.#conversionRecord('ORDER_LINE_CANCELLED', recordedAt, earlier);
  }

  #conversionRecord(
    type: 'ORDER_LINE_PLACED' | 'ORDER_LINE_CANCELLED',
    recordedAt: number,
    { line, order, device }: { line: string; order: string; device: number },
    ad?: number,
  ): LogRecord {
    const prefix = type === 'ORDER_LINE_PLACED' ? 'placed' : 'cancelled';
    const goods =
      ad === undefined
        ? ''
        : `,"productId":"${productIdOf(ad)}","sellerId":"${advertiserIdOf(advertiserOf(campaignOf(ad)))}","quantity":1,"amountKrw":39800,"orderedAt":${recordedAt - 500}`;
    const value = `{"eventId":"${prefix}:${line}","schemaVersion":1,"recordedAt":${recordedAt},"orderLineId":"${line}","orderId":"${order}","deviceHash":"${deviceHashOf(device)}","type":"${type}"${goods}}`;
    return {
      topic: 'conversion-events',
      partition: device % PARTITIONS,
      key: deviceHashOf(device),
      type,
      value,
    };
  }

  /** As the match writes it: the log of a day holds them. */
  #converted(click: Click, ad: number, line: string, order: string, convertedAt: number): LogRecord {
    const campaign = campaignOf(click.ad);
    const type = 'AD_CONVERTED';
    const match = click.ad === ad ? 'direct' : 'indirect';
    const value = `{"eventId":"converted:${line}","schemaVersion":1,"type":"${type}","recordedAt":${convertedAt},"orderLineId":"${line}","orderId":"${order}","clickId":"${click.clickId}","adId":"${adIdOf(click.ad)}","campaignId":"${campaignIdOf(campaign)}","advertiserId":"${advertiserIdOf(advertiserOf(campaign))}","placement":"${click.placement}","productId":"${productIdOf(ad)}","match":"${match}","quantity":1,"conversionValueKrw":39800,"clickedAt":${click.at},"convertedAt":${convertedAt},"rulesVersion":1}`;
    return { topic: 'ad-events', partition: this.#below(PARTITIONS), key: line, type, value };
  }
}
