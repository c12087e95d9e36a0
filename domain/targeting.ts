import { SEOUL_OFFSET_MS } from './business-date.js';

export const DEVICE_TYPES = ['mobile', 'desktop', 'app'] as const;

/** ISO 3166-2 codes of the provinces and metropolitan cities of Korea. */
export const REGIONS = [
  'KR-11',
  'KR-26',
  'KR-27',
  'KR-28',
  'KR-29',
  'KR-30',
  'KR-31',
  'KR-41',
  'KR-42',
  'KR-43',
  'KR-44',
  'KR-45',
  'KR-46',
  'KR-47',
  'KR-48',
  'KR-49',
  'KR-50',
] as const;

/** To whom a campaign is shown. An empty list: everybody; all lists that are not empty must fit. */
export interface Targeting {
  /** 1 is Monday, 7 is Sunday, in Korea. */
  readonly daysOfWeek: readonly number[];
  /** Hours of the Korean day, 0 to 23. */
  readonly hours: readonly number[];
  readonly deviceTypes: readonly string[];
  readonly regions: readonly string[];
  /** Segments that the shop passes with its queries. */
  readonly segments: readonly string[];
}

export const EVERYBODY: Targeting = {
  daysOfWeek: [],
  hours: [],
  deviceTypes: [],
  regions: [],
  segments: [],
};

/** What a query says about its shopper; what it does not say fits no list. */
export interface Audience {
  /** Epoch ms, business clock. */
  readonly now: number;
  readonly deviceType: string | null;
  readonly region: string | null;
  readonly segments: readonly string[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** 1 January 1970 was a Thursday. */
const EPOCH_DAY_OF_WEEK = 4;

export function matchesTargeting(targeting: Targeting, audience: Audience): boolean {
  const local = audience.now + SEOUL_OFFSET_MS;
  const dayOfWeek = ((Math.floor(local / DAY_MS) + EPOCH_DAY_OF_WEEK - 1) % 7) + 1;
  const hour = Math.floor(local / HOUR_MS) % 24;
  return (
    fits(targeting.daysOfWeek, dayOfWeek) &&
    fits(targeting.hours, hour) &&
    fits(targeting.deviceTypes, audience.deviceType) &&
    fits(targeting.regions, audience.region) &&
    (targeting.segments.length === 0 || audience.segments.some((one) => targeting.segments.includes(one)))
  );
}

function fits<T>(list: readonly T[], value: T | null): boolean {
  return list.length === 0 || (value !== null && list.includes(value));
}

export function isEverybody(targeting: Targeting): boolean {
  return Object.values(targeting).every((list) => list.length === 0);
}

/** Sorted and each once, so that the same targeting always makes the same bytes. */
export function normaliseTargeting(targeting: Targeting): Targeting {
  const numbers = (list: readonly number[]) => [...new Set(list)].sort((a, b) => a - b);
  const texts = (list: readonly string[]) => [...new Set(list)].sort();
  return {
    daysOfWeek: numbers(targeting.daysOfWeek),
    hours: numbers(targeting.hours),
    deviceTypes: texts(targeting.deviceTypes),
    regions: texts(targeting.regions),
    segments: texts(targeting.segments),
  };
}
