import type { Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import { clickRequestSchema } from '../../contracts/http/ad-server.js';
import { isClickId } from '../../domain/click-id.js';
import type { Failure } from '../../domain/result.js';
import { challengeOf, type FieldFailure, fieldErrors, invalidRequest, sendProblem } from '../kit/problem.js';
import type { RouteDoc } from '../kit/route.js';
import { type AcceptClick, decided } from './accept-click.js';
import type { Authorise } from './authorise.js';
import type { ClickLookup } from './click-lookups.js';
import type { AdServerMetrics } from './metrics.js';
import { NO_JSON } from './report-handler.js';
import { respond } from './respond.js';

export interface ClickHandlersDeps {
  readonly authorise: Authorise;
  readonly acceptClick: AcceptClick;
  readonly lookUpClick: ClickLookup;
  readonly metrics: AdServerMetrics;
}

/** Measures the route and lets in who may use it, before anything is read of the body. */
export function entrance(
  { authorise, metrics }: Pick<ClickHandlersDeps, 'authorise' | 'metrics'>,
  doc: RouteDoc,
): RequestHandler {
  return async (req, res, next) => {
    const startedAt = performance.now();
    res.once('close', () =>
      metrics.answered(req.method, doc.path, res.statusCode, performance.now() - startedAt),
    );
    const answer = authorise(req, doc.access);
    const allowed = answer instanceof Promise ? await answer : answer;
    if (allowed.ok) next();
    else sendProblem(res, allowed.error, challengeOf(allowed.error));
  };
}

const strictClick = clickRequestSchema.strict();

export function postClickHandler({ acceptClick, metrics }: ClickHandlersDeps) {
  return async (req: Request, res: Response): Promise<void> => {
    const parsed = strictClick.safeParse(req.body);
    if (!parsed.success) {
      metrics.clicks.inc({ answer: 'invalid_request' });
      sendProblem(res, unreadable(req, parsed.error));
      return;
    }
    const shopper = { ip: req.get('x-shopper-ip'), userAgent: req.get('x-shopper-user-agent') };
    const answer = await acceptClick(parsed.data, shopper);
    metrics.clicks.inc({ answer: answer.ok ? answer.value.outcome : answer.error.code });
    if (answer.ok) respond(res, answer.value.outcome === 'accepted' ? 202 : 200, answer.value);
    else sendProblem(res, answer.error);
  };
}

function unreadable(req: Request, error: z.ZodError): FieldFailure {
  if (req.body !== undefined) return invalidRequest(fieldErrors('body', error));
  return NO_JSON;
}

export function getClickHandler({ lookUpClick }: ClickHandlersDeps) {
  return async (req: Request, res: Response): Promise<void> => {
    const { clickId } = req.params;
    if (typeof clickId !== 'string' || !isClickId(clickId)) {
      sendProblem(res, invalidRequest([{ field: 'params.clickId', message: 'not a click id' }]));
      return;
    }
    const found = await lookUpClick(clickId);
    if (!found.ok) sendProblem(res, found.error);
    else if (found.value === null) sendProblem(res, NOT_DECIDED);
    else respond(res, 200, { ...decided({ clickId, ...found.value }), decision: found.value.outcome });
  };
}

/** The log, not this server, knows what is still to be decided, so "not yet" cannot be told from "never". */
const NOT_DECIDED: Failure = {
  code: 'not_found',
  message: 'This click is not decided yet, or never was.',
  nextStep: 'Ask again in a second if the click was answered as accepted.',
};
