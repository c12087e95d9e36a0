import type { AdQueryResult } from '../../contracts/http/ad-server.js';
import { quoted } from '../../domain/quoted.js';
import { asciiJson } from './respond.js';

type Ad = AdQueryResult['ads'][number];

/**
 * The answer as JSON in ASCII, at a third of the price of `JSON.stringify` and its encoding. Request id and tokens are
 * base64url and dots, by us; other ids come from a store and are looked at, though hardly any needs escaping.
 * `ads-json.test.ts` holds it to every field of the contract.
 */
export function adsJson(result: AdQueryResult): string {
  const { requestId, placement, clickToken, ads, nextPageToken, noFillReason } = result;
  let text = `{"requestId":"${requestId}","placement":"${placement}","clickToken":"${clickToken}","ads":[`;
  let separator = '';
  for (const ad of ads) {
    text += separator + adJson(ad);
    separator = ',';
  }
  text += ']';
  if (nextPageToken !== undefined) text += `,"nextPageToken":"${nextPageToken}"`;
  if (noFillReason !== undefined) text += `,"noFillReason":"${noFillReason}"`;
  return `${text}}`;
}

const adJson = ({ adId, slot, productId, campaignId, advertiserId, label }: Ad): string =>
  `{"adId":${id(adId)},"slot":${slot},"productId":${id(productId)},"campaignId":${id(campaignId)},"advertiserId":${id(advertiserId)},"label":${LABELS[label]}}`;

const LABELS: Readonly<Record<Ad['label'], string>> = { 광고: asciiJson('광고') };

const id = (text: string): string => quoted(text, asciiJson);
