import { describe, expect, it } from 'vitest';
import { adEventSchema } from '../contracts/events/ad-events.js';
import { campaignEventSchema } from '../contracts/events/campaign-events.js';
import { conversionEventSchema } from '../contracts/events/conversion-events.js';
import { CATALOGUE, campaignRecords, type LogRecord, ShopLog, STEP_RECORDS } from './flink-log.js';

const SCHEMAS = {
  'ad-events': adEventSchema,
  'conversion-events': conversionEventSchema,
  'campaign-events': campaignEventSchema,
};
const WISH = { events: 10_000, seed: 7, startMs: Date.UTC(2026, 0, 5), stepMs: 100 };
const logOf = (seed = WISH.seed) => [...new ShopLog({ ...WISH, seed }).records()];

const typeOf = ({ value, topic }: LogRecord) => SCHEMAS[topic].parse(JSON.parse(value)).type;

describe('the log of the Flink benchmark', () => {
  it('holds events as the contracts want them, each under its type', () => {
    const records = [...campaignRecords(WISH.startMs), ...logOf()];
    expect(records.map(typeOf)).toEqual(records.map(({ type }) => type));
    expect(records.filter(({ topic }) => topic === 'campaign-events')).toHaveLength(CATALOGUE.campaigns);
  });

  it('is as long as asked, and its time moves with its steps', () => {
    const times = logOf()
      .filter(({ topic, type }) => topic === 'ad-events' && type !== 'AD_CONVERTED')
      .map(({ value }) => adEventSchema.parse(JSON.parse(value)).recordedAt);
    expect(Math.abs(times.length - WISH.events)).toBeLessThan(2 * STEP_RECORDS);
    expect(Math.max(...times) - WISH.startMs).toBeGreaterThan((WISH.events / STEP_RECORDS - 2) * WISH.stepMs);
  });

  it('is the same for a seed, and another for another', () => {
    expect(logOf()).toEqual(logOf());
    expect(logOf()).not.toEqual(logOf(8));
  });

  it('has orders of shoppers who clicked, and of others', () => {
    const placed = logOf().filter(({ type }) => type === 'ORDER_LINE_PLACED').length;
    const converted = logOf().filter(({ type }) => type === 'AD_CONVERTED').length;
    expect(placed).toBeGreaterThan(0.8 * (WISH.events / STEP_RECORDS) * 0.5);
    expect(converted).toBeGreaterThan(0);
    expect(converted).toBeLessThan(placed / 2);
  });
});
