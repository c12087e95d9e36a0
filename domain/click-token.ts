import { CLICK_DELIVERY_WINDOW_MS, CLICK_TOKEN_LIFE_MS } from './click-outcome.js';
import { isPlacement, type Placement } from './placement.js';
import { quoted } from './quoted.js';

/**
 * What one answer promises about its ads. Signed as a whole by `infra/click-token`; nothing about price or identity
 * in a click is trusted from anywhere else.
 */
export interface ClickTokenPayload {
  /** Epoch ms, business clock. */
  readonly issuedAt: number;
  /** 128 random bits of ours, base64url. */
  readonly requestId: string;
  readonly placement: Placement;
  readonly deviceHash: string;
  readonly ads: readonly TokenAd[];
}

export interface TokenAd {
  readonly adId: string;
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly productId: string;
  readonly slot: number;
  readonly priceKrw: number;
  readonly rankScore: number;
  readonly runnerUpScore: number | null;
  readonly bidFloorKrw: number;
  readonly parametersVersion: number;
}

/** Compact JSON arrays: a token of five ads stays below 1 kB. Put together by hand, at a third of the price. */
export function encodeTokenPayload(payload: ClickTokenPayload): string {
  const { issuedAt, requestId, placement, deviceHash, ads } = payload;
  let text = `[${issuedAt},${quoted(requestId)},"${placement}",${quoted(deviceHash)},[`;
  let separator = '';
  for (const ad of ads) {
    text += separator + encodeAd(ad);
    separator = ',';
  }
  return `${text}]]`;
}

const encodeAd = (ad: TokenAd): string =>
  `[${quoted(ad.adId)},${quoted(ad.campaignId)},${quoted(ad.advertiserId)},${quoted(ad.productId)},${ad.slot},${ad.priceKrw},[${ad.rankScore},${ad.runnerUpScore},${ad.bidFloorKrw},${ad.parametersVersion}]]`;

/** The inverse of `encodeTokenPayload`; null for anything else. */
export function decodeTokenPayload(text: string): ClickTokenPayload | null {
  const fields = parseArray(text);
  if (fields === null || fields.length !== 5) return null;
  const [issuedAt, requestId, placement, deviceHash, rawAds] = fields;
  if (!isInteger(issuedAt) || !isText(requestId) || !isText(deviceHash)) return null;
  if (!isText(placement) || !isPlacement(placement) || !Array.isArray(rawAds)) return null;
  const ads: TokenAd[] = [];
  for (const rawAd of rawAds) {
    const ad = decodeAd(rawAd);
    if (ad === null) return null;
    ads.push(ad);
  }
  return { issuedAt, requestId, placement, deviceHash, ads };
}

function decodeAd(raw: unknown): TokenAd | null {
  if (!Array.isArray(raw) || raw.length !== 7) return null;
  const [adId, campaignId, advertiserId, productId, slot, priceKrw, priceReason]: unknown[] = raw;
  if (!isText(adId) || !isText(campaignId) || !isText(advertiserId) || !isText(productId)) return null;
  if (!isInteger(slot) || slot < 1 || !isInteger(priceKrw) || priceKrw < 1) return null;
  if (!Array.isArray(priceReason) || priceReason.length !== 4) return null;
  const [rankScore, runnerUpScore, bidFloorKrw, parametersVersion]: unknown[] = priceReason;
  if (!isInteger(rankScore) || !isInteger(bidFloorKrw) || !isInteger(parametersVersion)) return null;
  if (runnerUpScore !== null && !isInteger(runnerUpScore)) return null;
  return {
    adId,
    campaignId,
    advertiserId,
    productId,
    slot,
    priceKrw,
    rankScore,
    runnerUpScore,
    bidFloorKrw,
    parametersVersion,
  };
}

function parseArray(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isText = (value: unknown): value is string => typeof value === 'string';

/** The shop's time of the click, held within `[token issue, now]`: a wrong clock there moves nothing here. */
export function clampClickedAt(clickedAt: number, issuedAt: number, now: number): number {
  return Math.max(issuedAt, Math.min(clickedAt, now));
}

/** A click this young came straight from the shopper. */
const PROMPT_DELIVERY_MS = 5_000;

/**
 * The moment at which a click counts for the rules on bursts and double clicks. Prompt ones count when they arrive,
 * by our clock. What waited in the shop's queue counts when it happened: the clicks of an outage, delivered
 * together, are no burst, and two of them on the same ad minutes apart no double click.
 */
export function countedAt(clickedAt: number, now: number): number {
  return now - clickedAt <= PROMPT_DELIVERY_MS ? now : clickedAt;
}

/**
 * A token is good for 30 minutes by our clock. A click that happened within them (the shop's clock) may still
 * arrive up to 24 hours after issue, out of the shop's retry queue.
 */
export function isTokenExpired(issuedAt: number, clickedAt: number, now: number): boolean {
  const ageMs = now - issuedAt;
  if (ageMs <= CLICK_TOKEN_LIFE_MS) return false;
  return clickedAt - issuedAt > CLICK_TOKEN_LIFE_MS || ageMs > CLICK_DELIVERY_WINDOW_MS;
}
