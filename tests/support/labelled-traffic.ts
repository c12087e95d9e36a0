import type { ClickReason } from '../../domain/click-outcome.js';
import type { ShopperHeaders } from './shop.js';
import { ROBOT_USER_AGENTS, SHOPPER_USER_AGENTS } from './user-agents.js';

export type TrafficLabel = 'person' | 'robot';

/** One click of the corpus. Who made it and what must become of it is known, because the corpus made it. */
export interface LabelledClick {
  readonly label: TrafficLabel;
  /** The behaviour that it belongs to. */
  readonly kind: string;
  /** The reason for which it must not be charged; `charged`; `limit` when its trace holds a limit as a whole. */
  readonly expected: 'charged' | 'limit' | ClickReason;
  /** Seconds after the beginning of the corpus, business clock; of a common step for clicks at one time. */
  readonly atSeconds: number;
  readonly deviceId: string;
  /** The product: the same number is the same ad. */
  readonly ad: number;
  readonly shopper: ShopperHeaders;
  /** Age of the token when it is clicked, and when the click is delivered; both 0 for a click at once. */
  readonly clickedAfterMs: number;
  readonly deliveredAfterMs: number;
  /** Sends the very same click again, as an impatient double tap does. */
  readonly sentTwice: boolean;
  /** The device is signed in to the console of the advertiser of this ad. */
  readonly ownDevice: boolean;
}

/** Clicks of one trace go one after the other; traces go beside each other. */
export type Trace = readonly LabelledClick[];

/** Of the traces of this kind, so many clicks are over a limit and must not be charged. */
export interface LimitedKind {
  readonly kind: string;
  readonly reason: ClickReason;
  readonly charged: number;
}

export interface LabelledTraffic {
  readonly traces: readonly Trace[];
  readonly limited: readonly LimitedKind[];
}

/** Written out once more, not taken from the rules: a limit that moved is noticed. */
const IP_LIMIT = 120;
const DEVICE_LIMIT = 20;
const FARM_DEVICES = 200;
const CARRIER_SHOPPERS = 110;
const BURST = 40;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Steps of time: at once, three seconds later, and comfortably past the ten seconds of a double click. */
const AT_ONCE = 0;
const SOON = 3;
const LATER = 18;
export const NEXT_DAY = 24 * 3_600;

/** A corpus of traffic from the dice. `people` is the number of ordinary shoppers; other kinds follow it. */
export function labelledTraffic(people: number, random: () => number): LabelledTraffic {
  const maker = new TraceMaker(random);
  const some = Math.max(1, Math.round(people / 10));
  const many = (count: number, trace: () => Trace) => Array.from({ length: count }, trace);
  const traces = [
    ...many(people, () => maker.person('one click', [{}])),
    ...many(some, () => maker.person('same ad after 18 s', twoOf(LATER))),
    ...many(some, () => maker.person('same ad on the next day', twoOf(NEXT_DAY))),
    ...many(some, () => maker.person('double tap on one ad served', [{ sentTwice: true }])),
    ...many(some, () => maker.person('two ads at once', [{}, {}])),
    ...many(some, () => maker.person('five tabs', tabs(5))),
    ...many(some, () => maker.person('a family on one device', family())),
    ...many(some, () => maker.person('delivered 20 hours late', [LATE_BUT_IN_TIME])),
    ...many(some, () =>
      maker.person('same ad after 5 minutes, delivered together', heap(2, 5 * MINUTE_MS, 0)),
    ),
    ...many(some, () =>
      maker.person('thirty tabs in as many minutes, delivered together', heap(30, MINUTE_MS)),
    ),
    ...many(some, () => maker.shown('no user agent', { userAgent: null })),
    ...many(some, () => maker.shown('empty user agent', { userAgent: '' })),
    ...Object.entries(SHOPPER_USER_AGENTS).map(([name, userAgent]) => maker.shown(name, { userAgent })),
    ...many(CARRIER_SHOPPERS, () => maker.shown('behind one carrier address', { ip: '203.0.113.10' })),
    ...many(CARRIER_SHOPPERS, () => maker.shown('own IPv6 network each', { ip: maker.handset() })),
    ...Object.values(ROBOT_USER_AGENTS).flatMap((userAgent) =>
      many(Math.max(1, Math.round(some / 4)), () => maker.listed(userAgent)),
    ),
    ...many(some, () => maker.secondClick(AT_ONCE)),
    ...many(some, () => maker.secondClick(SOON)),
    ...many(some, () => maker.lateSecondClick()),
    ...many(some, () => maker.robot('expired: clicked after 31 minutes', EXPIRED, 'expired_token')),
    ...many(some, () => maker.robot('expired: delivered after 25 hours', TOO_LATE, 'expired_token')),
    ...many(some, () => maker.robot('own account', { ownDevice: true }, 'own_account_click')),
    ...many(5, () => maker.deviceBurst()),
    ...many(FARM_DEVICES, () => maker.farm('farm behind one IPv4 address', '198.51.100.66')),
    ...many(FARM_DEVICES, () => maker.farm('farm in one IPv6 network', maker.farmAddress())),
  ];
  const farm = (kind: string) => ({ kind, reason: 'ip_burst' as const, charged: IP_LIMIT });
  return {
    traces,
    limited: [farm('farm behind one IPv4 address'), farm('farm in one IPv6 network')],
  };
}

type ClickChange = Partial<LabelledClick>;

const LATE_BUT_IN_TIME: ClickChange = { clickedAfterMs: MINUTE_MS, deliveredAfterMs: 20 * HOUR_MS };
const EXPIRED: ClickChange = { clickedAfterMs: 31 * MINUTE_MS, deliveredAfterMs: 31 * MINUTE_MS };
const TOO_LATE: ClickChange = { clickedAfterMs: MINUTE_MS, deliveredAfterMs: 25 * HOUR_MS };

/** The same ad (of the trace) twice. */
const twoOf = (atSeconds: number): ClickChange[] => [{ ad: 0 }, { ad: 0, atSeconds }];
/** Clicks `gapMs` apart of an outage two hours ago, delivered in one go. */
const heap = (count: number, gapMs: number, ad?: number): ClickChange[] =>
  Array.from({ length: count }, (_, index) => ({
    ...(ad === undefined ? {} : { ad }),
    clickedAfterMs: MINUTE_MS,
    deliveredAfterMs: MINUTE_MS + 2 * HOUR_MS - index * gapMs,
  }));
const tabs = (count: number): ClickChange[] => Array.from({ length: count }, () => ({}));
/** Twelve clicks of several people: below what one device may do in a minute. */
const family = (): ClickChange[] =>
  Array.from({ length: 12 }, (_, index) => ({ atSeconds: [AT_ONCE, SOON, LATER][index % 3] ?? 0 })).sort(
    (a, b) => a.atSeconds - b.atSeconds,
  );

/** Every trace is another device at another address with another ad, unless it says otherwise. */
class TraceMaker {
  readonly #random: () => number;
  readonly #agents = Object.values(SHOPPER_USER_AGENTS);
  #devices = 0;
  #addresses = 0;
  #ads = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  person(kind: string, changes: readonly ClickChange[]): Trace {
    return this.#trace({ label: 'person', kind: `person: ${kind}`, expected: 'charged' }, changes);
  }

  shown(kind: string, shopper: Partial<ShopperHeaders>): Trace {
    const headers = { ...this.#shopper(), ...shopper };
    return this.person(kind, [{ shopper: headers }]);
  }

  robot(kind: string, change: ClickChange, expected: ClickReason): Trace {
    return this.#trace({ label: 'robot', kind: `robot: ${kind}`, expected }, [change]);
  }

  listed(userAgent: string): Trace {
    return this.robot('listed', { shopper: { ...this.#shopper(), userAgent } }, 'listed_bot');
  }

  /** The first click is honest; the second, on another answer with the same ad, is not another interest. */
  secondClick(atSeconds: number): Trace {
    const kind = `second click after ${atSeconds} s`;
    const [first, second] = this.#trace(
      { label: 'person', kind: `person: first of a ${kind}`, expected: 'charged' },
      twoOf(atSeconds),
    );
    if (first === undefined || second === undefined) throw new Error('a trace of two clicks');
    return [first, { ...second, label: 'robot', kind: `robot: ${kind}`, expected: 'double_click' }];
  }

  /** Three seconds apart, delivered together, the second one first. */
  lateSecondClick(): Trace {
    const kind = 'second click after 3 s, delivered together and late';
    const common = {
      label: 'person' as const,
      kind: `person: first of a ${kind}`,
      expected: 'charged' as const,
    };
    const [first, second] = this.#trace(common, heap(2, 3_000, 0).reverse());
    if (first === undefined || second === undefined) throw new Error('a trace of two clicks');
    return [first, { ...second, label: 'robot', kind: `robot: ${kind}`, expected: 'double_click' }];
  }

  /** Different ads, so that nothing but their number tells. */
  deviceBurst(): Trace {
    const kind = { label: 'robot' as const, kind: 'robot: device burst', expected: 'charged' as const };
    const clicks = this.#trace(kind, tabs(BURST));
    return clicks.map((click, index) =>
      index < DEVICE_LIMIT ? { ...click, kind: 'robot: device burst, up to the limit' } : burst(click),
    );
  }

  farm(kind: string, ip: string): Trace {
    const shopper = { ...this.#shopper(), ip };
    return this.#trace({ label: 'robot', kind, expected: 'limit' }, [{ shopper }]);
  }

  /** A handset of a carrier: a network of its own. */
  handset(): string {
    return `2001:e60:${this.#hex()}:${(this.#addresses++).toString(16)}::${this.#hex()}`;
  }

  /** One machine with as many addresses as it likes. */
  farmAddress(): string {
    return `2001:db8:bad:f00d:${this.#hex()}:${this.#hex()}:${this.#hex()}:${this.#hex()}`;
  }

  #trace(common: Pick<LabelledClick, 'label' | 'kind' | 'expected'>, changes: readonly ClickChange[]): Trace {
    const deviceId = `device-${this.#devices++}`;
    const shopper = this.#shopper();
    const firstAd = this.#ads;
    this.#ads += changes.length;
    return changes.map((change, index) => ({
      ...common,
      deviceId,
      shopper,
      atSeconds: AT_ONCE,
      clickedAfterMs: 0,
      deliveredAfterMs: 0,
      sentTwice: false,
      ownDevice: false,
      ...change,
      ad: firstAd + (change.ad ?? index),
    }));
  }

  #shopper(): ShopperHeaders {
    const n = this.#addresses++;
    const userAgent = this.#agents[Math.floor(this.#random() * this.#agents.length)] ?? null;
    return { ip: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`, userAgent };
  }

  #hex(): string {
    return Math.floor(this.#random() * 0xffff).toString(16);
  }
}

const burst = (click: LabelledClick): LabelledClick => ({
  ...click,
  kind: 'robot: device burst, above the limit',
  expected: 'device_burst',
});
