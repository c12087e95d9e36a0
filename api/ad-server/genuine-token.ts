import type { ClickTokenPayload, TokenAd } from '../../domain/click-token.js';
import { err, ok, type Result } from '../../domain/result.js';
import type { ClickTokens, TokenRefusal } from '../../infra/click-token.js';
import { keyedHash } from '../../infra/ids.js';
import type { AdServerMetrics } from './metrics.js';

export interface GenuineTokenDeps {
  readonly tokens: Pick<ClickTokens, 'verify'>;
  readonly hashKey: string;
  readonly metrics: Pick<AdServerMetrics, 'refusedTokens'>;
}

interface Claim {
  readonly clickToken: string;
  readonly deviceId: string;
  readonly adIds: readonly string[];
  /** The field of the request that names the ads. */
  readonly adField: string;
}

interface GenuineToken {
  readonly token: ClickTokenPayload;
  /** In the order of `adIds`. */
  readonly ads: readonly TokenAd[];
}

/**
 * The token must be ours, name the ads, and have been issued to the device that reports. A token that was moved to
 * another device is treated like a forged one: a harvested token would otherwise be clicked by a farm of devices,
 * each below its own burst limit.
 */
export function readGenuineToken(deps: GenuineTokenDeps, claim: Claim): Result<GenuineToken> {
  const verdict = deps.tokens.verify(claim.clickToken);
  if (!verdict.ok) return forged(deps, verdict.refusal, 'clickToken');
  const token = verdict.payload;
  const ads: TokenAd[] = [];
  for (const adId of claim.adIds) {
    const ad = token.ads.find((candidate) => candidate.adId === adId);
    if (ad === undefined) return forged(deps, 'ad_not_in_token', claim.adField);
    ads.push(ad);
  }
  if (keyedHash(deps.hashKey, 'device', claim.deviceId) !== token.deviceHash) {
    return forged(deps, 'other_device', 'deviceId');
  }
  return ok({ token, ads });
}

const REFUSALS: Readonly<Record<TokenRefusal | 'ad_not_in_token' | 'other_device', string>> = {
  malformed: 'The click token is not complete.',
  unknown_version: 'The click token is of an unknown version.',
  unknown_key: 'The click token was not signed by a key of ours.',
  bad_signature: 'The click token was changed after it was signed.',
  bad_payload: 'The click token cannot be read.',
  ad_not_in_token: 'The click token does not name this ad.',
  other_device: 'The click token was issued to another device.',
};

function forged(deps: GenuineTokenDeps, refusal: keyof typeof REFUSALS, field: string): Result<never> {
  deps.metrics.refusedTokens.inc({ refusal });
  return err({
    code: 'forged_click_token',
    message: REFUSALS[refusal],
    nextStep: 'Send the clickToken of the answer that held the ad, unchanged, with its adId and deviceId.',
    field,
  });
}
