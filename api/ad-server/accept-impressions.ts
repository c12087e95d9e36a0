import type { Logger } from 'pino';
import type { AdViewed } from '../../contracts/events/ad-events.js';
import type { ImpressionReport, ImpressionResult } from '../../contracts/http/ad-server-impressions.js';
import { HEADER_TYPE } from '../../contracts/topics.js';
import { isTooLateToView, viewedEventId } from '../../domain/impression.js';
import { err, ok, type Result } from '../../domain/result.js';
import type { BatchingAppender } from '../../infra/batching-appender.js';
import type { KafkaLink } from '../../infra/kafka-link.js';
import { appendEvents } from './append-events.js';
import { type GenuineTokenDeps, readGenuineToken } from './genuine-token.js';
import { EVENT_LOG_DOWN } from './report-handler.js';

export interface AcceptImpressionsDeps extends GenuineTokenDeps {
  readonly appender: Pick<BatchingAppender, 'append'>;
  readonly link: Pick<KafkaLink, 'reachable'>;
  /** Epoch ms, business clock. */
  readonly now: () => number;
  readonly log: Logger;
}
export type AcceptImpressions = (report: ImpressionReport) => Promise<Result<ImpressionResult>>;

/** One AD_VIEWED per ad of a genuine token; all or none of a report counts. */
export function createAcceptImpressions(deps: AcceptImpressionsDeps): AcceptImpressions {
  return async ({ clickToken, deviceId, adIds }) => {
    const genuine = readGenuineToken(deps, { clickToken, deviceId, adIds, adField: 'adIds' });
    if (!genuine.ok) return genuine;
    const { token, ads } = genuine.value;
    const now = deps.now();
    if (isTooLateToView(token.issuedAt, now)) {
      return err({
        code: 'expired_click_token',
        message: 'These ads were served more than 24 hours ago.',
        nextStep: 'Do not send this report again; views count for 24 hours.',
        field: 'clickToken',
      });
    }
    if (!deps.link.reachable) return err(EVENT_LOG_DOWN);
    const { requestId, placement, deviceHash } = token;
    const events = ads.map(
      ({ adId, campaignId, slot }): AdViewed => ({
        eventId: viewedEventId(requestId, adId),
        schemaVersion: 1,
        recordedAt: now,
        type: 'AD_VIEWED',
        requestId,
        placement,
        slot,
        adId,
        campaignId,
        deviceHash,
      }),
    );
    const messages = events.map((event) => ({
      key: requestId,
      value: JSON.stringify(event),
      headers: { [HEADER_TYPE]: event.type },
    }));
    if (!(await appendEvents(deps, messages))) return err(EVENT_LOG_DOWN);
    return ok({ requestId, recorded: events.length });
  };
}
