import type { AdQuery } from '../../contracts/http/ad-server.js';
import { adHash, listHash, PAGE_TOKEN_LIFE_MS, withShown } from '../../domain/page-token.js';
import { err, ok, type Result } from '../../domain/result.js';
import type { PageTokens } from '../../infra/page-token.js';
import type { FieldFailure } from '../kit/problem.js';

/** The page that a query asks for: what the visit has seen of this list. */
export interface VisitPage {
  /** Null on the first page: its request id becomes the visit's. */
  readonly visitId: string | null;
  /** Hashes of the ads shown so far, oldest first. */
  readonly shown: readonly number[];
  isAlreadyShown(adId: string): boolean;
}

const FIRST_PAGE = ok<VisitPage>({ visitId: null, shown: [], isAlreadyShown: () => false });
const FIELD = 'query.pageToken';

/** A token that is not ours for this list now is refused, not ignored: the shopper would see the same ads again. */
export class VisitPages {
  readonly #tokens: PageTokens;

  constructor(tokens: PageTokens) {
    this.#tokens = tokens;
  }

  open(query: AdQuery, target: string, now: number): Result<VisitPage, FieldFailure> {
    if (query.pageToken === undefined) return FIRST_PAGE;
    const payload = this.#tokens.verify(query.pageToken, now);
    if (payload === null) return err(FORGED);
    if (payload.list !== listHash(query.placement, target, query.deviceId)) return err(OF_ANOTHER_LIST);
    if (now - payload.issuedAt > PAGE_TOKEN_LIFE_MS) return err(EXPIRED);
    const { visitId, shown } = payload;
    const hashes = new Set(shown);
    return ok({ visitId, shown, isAlreadyShown: (adId) => hashes.has(adHash(adId)) });
  }

  /** The token of the page after this one. */
  next(
    page: VisitPage,
    query: AdQuery,
    target: string,
    answer: { readonly requestId: string; readonly now: number; readonly adIds: readonly string[] },
  ): string {
    return this.#tokens.sign({
      issuedAt: answer.now,
      visitId: page.visitId ?? answer.requestId,
      list: listHash(query.placement, target, query.deviceId),
      shown: withShown(page.shown, answer.adIds),
    });
  }
}

const refusal = (code: string, message: string, nextStep: string): FieldFailure => ({
  code,
  field: FIELD,
  message,
  nextStep,
});

const FORGED = refusal(
  'forged_page_token',
  'This pageToken was not issued by us, or was changed on the way.',
  'Send nextPageToken of the answer before exactly as it came; leave pageToken out for the first page.',
);
const OF_ANOTHER_LIST = refusal(
  'foreign_page_token',
  'This pageToken belongs to another placement, category, search or device.',
  'Send it with the query that it came with; leave pageToken out for the first page of another list.',
);
const EXPIRED = refusal(
  'expired_page_token',
  'This pageToken is older than 30 minutes.',
  'Leave pageToken out to begin with the first page again.',
);
