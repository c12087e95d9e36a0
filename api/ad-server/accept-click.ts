import { isIP } from 'node:net';
import type { Logger } from 'pino';
import type { AdClicked } from '../../contracts/events/ad-events.js';
import type { ClickRequest, ClickResult } from '../../contracts/http/ad-server.js';
import type { ClickOutcomeMessage } from '../../contracts/serving-stop.js';
import { HEADER_REPLY_TO, HEADER_TYPE } from '../../contracts/topics.js';
import type { ClickId } from '../../domain/click-id.js';
import { CLICK_REASONS, type ClickReason } from '../../domain/click-outcome.js';
import {
  type ClickTokenPayload,
  clampClickedAt,
  countedAt,
  isTokenExpired,
  type TokenAd,
} from '../../domain/click-token.js';
import { invalidClickReason } from '../../domain/invalid-click-rules.js';
import { err, invariant, ok, type Result } from '../../domain/result.js';
import { countedAddress } from '../../domain/shopper-address.js';
import type { BatchingAppender } from '../../infra/batching-appender.js';
import { type ClickCounter, NEUTRAL_COUNTERS } from '../../infra/click-counters.js';
import type { ClickOutcomes } from '../../infra/click-outcomes.js';
import { type ClickTokens, clickIdOf } from '../../infra/click-token.js';
import { keyedHash } from '../../infra/ids.js';
import type { KafkaLink } from '../../infra/kafka-link.js';
import type { FieldFailure } from '../kit/problem.js';
import { appendEvents } from './append-events.js';
import { readGenuineToken } from './genuine-token.js';
import { isListedBot } from './listed-bot.js';
import type { AdServerMetrics } from './metrics.js';

export interface AcceptClickDeps {
  readonly tokens: ClickTokens;
  readonly counter: Pick<ClickCounter, 'count'>;
  readonly outcomes: Pick<ClickOutcomes, 'waitFor'>;
  readonly appender: Pick<BatchingAppender, 'append'>;
  readonly link: Pick<KafkaLink, 'reachable'>;
  readonly instance: string;
  readonly hashKey: string;
  readonly outcomeTimeoutMs: number;
  readonly now: () => number;
  readonly log: Logger;
  readonly metrics: AdServerMetrics;
}

/** What the shop passes on about its shopper; stored only hashed or judged. */
export interface Shopper {
  readonly ip: string | undefined;
  readonly userAgent: string | undefined;
}

export type ClickAnswer = Result<ClickResult, FieldFailure>;
export type AcceptClick = (click: ClickRequest, shopper: Shopper) => Promise<ClickAnswer>;

/**
 * Verifies, counts, appends and waits for the decision. The same click id while one is under way joins it: both
 * callers get the one answer, and one event is appended.
 */
export function createAcceptClick(deps: AcceptClickDeps): AcceptClick {
  const underWay = new Map<ClickId, Promise<ClickAnswer>>();
  return async (click, shopper) => {
    const genuine = verify(deps, click);
    if (!genuine.ok) return genuine;
    const { clickId } = genuine.value;
    const running = underWay.get(clickId);
    if (running !== undefined) return running;
    const answer = appendAndWait(deps, click, shopper, genuine.value).finally(() => underWay.delete(clickId));
    underWay.set(clickId, answer);
    return answer;
  };
}

interface GenuineClick {
  readonly clickId: ClickId;
  readonly token: ClickTokenPayload;
  readonly ad: TokenAd;
}

function verify(deps: AcceptClickDeps, click: ClickRequest): Result<GenuineClick> {
  const { clickToken, deviceId, adId } = click;
  const genuine = readGenuineToken(deps, { clickToken, deviceId, adIds: [adId], adField: 'adId' });
  if (!genuine.ok) return genuine;
  const { token, ads } = genuine.value;
  const [ad] = ads;
  invariant(ad !== undefined, 'a genuine token names the ad that was asked for');
  return ok({ clickId: clickIdOf(token, ad.adId), token, ad });
}

async function appendAndWait(
  deps: AcceptClickDeps,
  click: ClickRequest,
  shopper: Shopper,
  genuine: GenuineClick,
): Promise<ClickAnswer> {
  if (!deps.link.reachable) return err(CLICK_PATH_DOWN);
  const { clickId } = genuine;
  const event = await toEvent(deps, click, shopper, genuine);
  const waiter = deps.outcomes.waitFor(clickId);
  try {
    const appended = await append(deps, event);
    if (!appended.ok) return appended;
    const outcome = await waiter.outcome(deps.outcomeTimeoutMs);
    return ok(outcome === null ? { clickId, outcome: 'accepted' } : decided(outcome));
  } finally {
    waiter.close();
  }
}

const CLICK_PATH_DOWN: FieldFailure = {
  code: 'click_path_down',
  message: 'The click cannot be recorded right now.',
  nextStep: 'Redirect the shopper, and send the same click again after Retry-After seconds.',
  retryAfterSeconds: 1,
};

/** Durable when ok. A refusal says nothing about the log: the same click id may be appended again at any time. */
async function append(deps: AcceptClickDeps, event: AdClicked): Promise<Result<null, FieldFailure>> {
  const headers = { [HEADER_TYPE]: event.type, [HEADER_REPLY_TO]: deps.instance };
  const message = { key: event.advertiserId, value: JSON.stringify(event), headers };
  const startedAt = performance.now();
  if (!(await appendEvents(deps, [message]))) return err(CLICK_PATH_DOWN);
  deps.metrics.clickAppended.observe(performance.now() - startedAt);
  return ok(null);
}

async function toEvent(
  deps: AcceptClickDeps,
  click: ClickRequest,
  shopper: Shopper,
  { clickId, token, ad }: GenuineClick,
): Promise<AdClicked> {
  const now = deps.now();
  const ipHash =
    shopper.ip !== undefined && isIP(shopper.ip) !== 0
      ? keyedHash(deps.hashKey, 'ip', countedAddress(shopper.ip))
      : null;
  const { deviceHash } = token;
  const clickedAt = clampClickedAt(Date.parse(click.clickedAt), token.issuedAt, now);
  const at = countedAt(clickedAt, now);
  const counted = await deps.counter.count({ clickId, adId: ad.adId, deviceHash, ipHash, at });
  if (counted === null) deps.metrics.neutralCounters.inc();
  const signals = {
    tokenAgeMs: now - token.issuedAt,
    expired: isTokenExpired(token.issuedAt, clickedAt, now),
    listedBot: isListedBot(shopper.userAgent),
    ...(counted ?? NEUTRAL_COUNTERS),
  };
  return {
    eventId: `clicked:${clickId}`,
    schemaVersion: 1,
    recordedAt: now,
    type: 'AD_CLICKED',
    clickId,
    requestId: token.requestId,
    advertiserId: ad.advertiserId,
    campaignId: ad.campaignId,
    adId: ad.adId,
    productId: ad.productId,
    placement: token.placement,
    slot: ad.slot,
    tokenPriceKrw: ad.priceKrw,
    priceReason: {
      rankScore: ad.rankScore,
      runnerUpScore: ad.runnerUpScore,
      bidFloorKrw: ad.bidFloorKrw,
      parametersVersion: ad.parametersVersion,
    },
    tokenIssuedAt: token.issuedAt,
    clickedAt,
    deviceHash,
    ipHash,
    signals,
    clean: invalidClickReason(signals, false) === null,
  };
}

/** The worker's words as the shop's. */
export function decided(
  outcome: Pick<ClickOutcomeMessage, 'clickId' | 'outcome' | 'reason' | 'chargedCpcKrw'>,
): ClickResult {
  const { clickId, chargedCpcKrw } = outcome;
  if (outcome.outcome === 'charged') return { clickId, outcome: 'charged', chargedCpcKrw };
  const { reason } = outcome;
  return { clickId, outcome: 'not_charged', ...(isClickReason(reason) ? { reason } : {}) };
}

function isClickReason(text: string | null): text is ClickReason {
  return text !== null && (CLICK_REASONS as readonly string[]).includes(text);
}
