import { RANKING_DEPTH } from './placement.js';

/** A visit that pauses for longer starts again with its first page. */
export const PAGE_TOKEN_LIFE_MS = 30 * 60_000;
/** A whole ranking, so that every visit comes to the end of its list; were it less, its oldest ads would come again. */
export const MOST_ADS_IN_PAGE_TOKEN = RANKING_DEPTH;

/**
 * What one answer knows about the visit, for the next page of the same list. Ads and list stand as 48 bits of a
 * hash: six bytes each, so that two hundred ads stay below 2 kB of URL. Two of a few hundred ids meet once in ten
 * billion visits, and then an ad waits for the next visit.
 */
export interface PageTokenPayload {
  /** Epoch ms, business clock. */
  readonly issuedAt: number;
  /** Request id of the visit's first answer. */
  readonly visitId: string;
  /** `listHash` of the query. */
  readonly list: number;
  /** `adHash` of the ads shown so far, oldest first. */
  readonly shown: readonly number[];
}

/** 48 bits: both words of cyrb53 (bryc, public domain), cut. Not secret: the token is signed. */
export function hash48(text: string): number {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 2_654_435_761);
    high = Math.imul(high ^ code, 1_597_334_677);
  }
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  return (high & 0xffff) * 0x1_0000_0000 + (low >>> 0);
}

export const adHash = (adId: string) => hash48(adId);

/** The list that pages belong to: one ranking, as one device looks at it. */
export const listHash = (placement: string, target: string, deviceId: string) =>
  hash48(`${placement}\n${deviceId}\n${target}`);

/** The ads of one more answer, the newest at the end. */
export function withShown(before: readonly number[], adIds: readonly string[]): number[] {
  return [...before, ...adIds.map(adHash)].slice(-MOST_ADS_IN_PAGE_TOKEN);
}

const SIZE = 6;
/** Time, list, length of the visit's id. */
const HEAD = 2 * SIZE + 1;

/** Bytes: time, list, visit id with its length, then the ads. The visit id is ASCII and at most 255 long. */
export function encodePagePayload({ issuedAt, visitId, list, shown }: PageTokenPayload): Uint8Array {
  const bytes = new Uint8Array(HEAD + visitId.length + SIZE * shown.length);
  writeInteger(bytes, 0, issuedAt);
  writeInteger(bytes, SIZE, list);
  bytes[HEAD - 1] = visitId.length;
  for (let index = 0; index < visitId.length; index += 1) bytes[HEAD + index] = visitId.charCodeAt(index);
  shown.forEach((hash, index) => {
    writeInteger(bytes, HEAD + visitId.length + SIZE * index, hash);
  });
  return bytes;
}

/** The inverse of `encodePagePayload`; null for anything else. */
export function decodePagePayload(bytes: Uint8Array): PageTokenPayload | null {
  const idLength = bytes[HEAD - 1];
  if (idLength === undefined || idLength === 0) return null;
  const ads = bytes.length - HEAD - idLength;
  if (ads < 0 || ads % SIZE !== 0 || ads / SIZE > MOST_ADS_IN_PAGE_TOKEN) return null;
  return {
    issuedAt: readInteger(bytes, 0),
    list: readInteger(bytes, SIZE),
    visitId: String.fromCharCode(...bytes.subarray(HEAD, HEAD + idLength)),
    shown: Array.from({ length: ads / SIZE }, (_, index) =>
      readInteger(bytes, HEAD + idLength + SIZE * index),
    ),
  };
}

/** Big-endian, in whole words: dividing byte by byte took half of what a page token costs. */
function writeInteger(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  const low = value >>> 0;
  bytes[at] = high >>> 8;
  bytes[at + 1] = high;
  bytes[at + 2] = low >>> 24;
  bytes[at + 3] = low >>> 16;
  bytes[at + 4] = low >>> 8;
  bytes[at + 5] = low;
}

function readInteger(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let index = 0; index < SIZE; index += 1) value = value * 256 + (bytes[at + index] ?? 0);
  return value;
}
