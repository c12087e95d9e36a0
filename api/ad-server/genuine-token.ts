import type { ClickTokenPayload, TokenAd } from '../../domain/click-token.js';
import { err, ok, type Result } from '../../domain/result.js';
import type { ClickTokens, TokenRefusal } from '../../infra/click-token.js';
import { keyedHash } from '../../infra/ids.js';
import type { AdServerMetrics } from './metrics.js';

export interface GenuineTokenDeps {
  readonly tokens: Pick<ClickTokens, 'verify'>;
  readonly hashKey: string;
  /** Epoch ms, business clock. */
  readonly now: () => number;
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
  const verdict = deps.tokens.verify(claim.clickToken, deps.now());
  if (!verdict.ok) return refused(deps, verdict.refusal, 'clickToken');
  const token = verdict.payload;
  const ads: TokenAd[] = [];
  for (const adId of claim.adIds) {
    const ad = token.ads.find((candidate) => candidate.adId === adId);
    if (ad === undefined) return refused(deps, 'ad_not_in_token', claim.adField);
    ads.push(ad);
  }
  if (keyedHash(deps.hashKey, 'device', claim.deviceId) !== token.deviceHash) {
    return refused(deps, 'other_device', 'deviceId');
  }
  return ok({ token, ads });
}

const REFUSALS: Readonly<Record<TokenRefusal | 'ad_not_in_token' | 'other_device', string>> = {
  malformed: 'The click token is not complete.',
  unknown_version: 'The click token is of an unknown version.',
  unknown_key: 'The click token was not signed by a key of ours.',
  expired_key: 'The click token was issued days ago.',
  key_not_yet_valid: 'The click token names a key of a day to come.',
  bad_signature: 'The click token was changed after it was signed.',
  bad_payload: 'The click token cannot be read.',
  ad_not_in_token: 'The click token does not name this ad.',
  other_device: 'The click token was issued to another device.',
};

const FORGED = {
  code: 'forged_click_token',
  nextStep: 'Send the clickToken of the answer that held the ad, unchanged, with its adId and deviceId.',
};
/** Perhaps genuine once: without its key that cannot be told, and nothing of it could be charged. */
const TOO_OLD = {
  code: 'expired_click_token',
  nextStep: 'Do not send this report again; clicks and views count for 24 hours.',
};

function refused(deps: GenuineTokenDeps, refusal: keyof typeof REFUSALS, field: string): Result<never> {
  deps.metrics.refusedTokens.inc({ refusal });
  const kind = refusal === 'expired_key' ? TOO_OLD : FORGED;
  return err({ ...kind, message: REFUSALS[refusal], field });
}
