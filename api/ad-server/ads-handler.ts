import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse } from 'node:querystring';
import type { Logger } from 'pino';
import { type AdQuery, adQuerySchema } from '../../contracts/http/ad-server.js';
import { err, ok, type Result } from '../../domain/result.js';
import { withCorrelationId } from '../../infra/log.js';
import { CORRELATION_HEADER } from '../kit/app.js';
import { type FieldFailure, fieldErrors, INTERNAL_ERROR, invalidRequest } from '../kit/problem.js';
import type { RouteDoc } from '../kit/route.js';
import { adsJson } from './ads-json.js';
import { AnswersTogether } from './answers-together.js';
import type { Authorise } from './authorise.js';
import type { AdServerMetrics } from './metrics.js';
import { respondJson, respondProblem } from './respond.js';
import type { ServeAds } from './serve-ads.js';

export interface AdsHandlerDeps {
  readonly authorise: Authorise;
  readonly serveAds: ServeAds;
  readonly log: Logger;
  readonly metrics: AdServerMetrics;
}

/** Answers an ad query, from memory and in the same turn; what stands in the URL after `?` is given apart. */
export type AdsHandler = (req: IncomingMessage, res: ServerResponse, query: string) => void;

/**
 * The hot path: `node:http` alone, no middleware. Only an unknown key and a ranking that memory does not hold are
 * waited for.
 */
export function adsHandler(deps: AdsHandlerDeps, doc: RouteDoc): AdsHandler {
  const together = new AnswersTogether();
  return (req, res, query) => {
    const startedAt = performance.now();
    const refuse = (failure: FieldFailure, id: string = randomUUID()) => {
      withCorrelationId(id, () => respondProblem(res, failure, { [CORRELATION_HEADER]: id }));
      deps.metrics.answered('GET', doc.path, res.statusCode, performance.now() - startedAt);
    };
    const broken = (error: unknown) => {
      const id = randomUUID();
      withCorrelationId(id, () =>
        deps.log.error({ err: error, method: 'GET', path: doc.path }, 'request failed'),
      );
      refuse(INTERNAL_ERROR, id);
    };
    const answer = (served: Awaited<ReturnType<ServeAds>>) => {
      if (!served.ok) return refuse(served.error);
      const text = adsJson(served.value);
      together.add(() => {
        try {
          respondJson(res, text, served.value.requestId);
          deps.metrics.adsAnswered(performance.now() - startedAt);
        } catch (error) {
          broken(error);
        }
      });
    };
    const serve = (allowed: Result<unknown, FieldFailure>): void | Promise<void> => {
      const parsed = allowed.ok ? parseAdQuery(parse(query)) : allowed;
      if (!parsed.ok) return refuse(parsed.error);
      const served = deps.serveAds(parsed.value);
      return served instanceof Promise ? served.then(answer) : answer(served);
    };
    try {
      const allowed = deps.authorise(req, doc.access);
      const done = allowed instanceof Promise ? allowed.then(serve) : serve(allowed);
      if (done instanceof Promise) done.catch(broken);
    } catch (error) {
      broken(error);
    }
  };
}

const strictQuery = adQuerySchema.strict();

/** Unknown parameters are refused: a misspelt one would silently serve the wrong ads. */
export function parseAdQuery(raw: unknown): Result<AdQuery, FieldFailure> {
  const parsed = strictQuery.safeParse(raw);
  if (!parsed.success) return err(invalidRequest(fieldErrors('query', parsed.error)));
  const { placement, category, query } = parsed.data;
  if (placement === 'SEARCH' && query === undefined) return missing('query', placement);
  if ((placement === 'CATEGORY' || placement === 'PRODUCT_DETAIL') && category === undefined) {
    return missing('category', placement);
  }
  return ok(parsed.data);
}

function missing(field: string, placement: string): Result<never, FieldFailure> {
  return err(invalidRequest([{ field: `query.${field}`, message: `required for placement ${placement}` }]));
}
