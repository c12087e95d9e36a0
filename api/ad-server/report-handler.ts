import type { Request, Response } from 'express';
import type { z } from 'zod';
import { err, ok, type Result } from '../../domain/result.js';
import {
  type FieldError,
  type FieldFailure,
  fieldErrors,
  invalidRequest,
  sendProblem,
} from '../kit/problem.js';
import { deepStrict } from '../kit/strict-schema.js';
import { respond } from './respond.js';

/** Nothing of the report is promised; what may be in the log already is recognised when it comes again. */
export const EVENT_LOG_DOWN: FieldFailure = {
  code: 'event_log_down',
  message: 'The report cannot be recorded right now.',
  nextStep: 'Let the shopper go on, and send the same report again after Retry-After seconds.',
  retryAfterSeconds: 1,
};

interface ReportHandler<P extends z.ZodType, B extends z.ZodType> {
  readonly params: P;
  readonly body: B;
  readonly accept: (params: z.output<P>, body: z.output<B>) => Promise<Result<unknown, FieldFailure>>;
  /** `recorded`, or the code of the failure. */
  readonly count: (answer: string) => void;
}

/** Takes a shop's report: 202 once it is in the log. Wrong parameters and fields are told all together. */
export function reportHandler<P extends z.ZodType, B extends z.ZodType>(handler: ReportHandler<P, B>) {
  const body = deepStrict(handler.body) as B;
  return async (req: Request, res: Response): Promise<void> => {
    const report = readReport(handler.params, body, req);
    const answer = report.ok ? await handler.accept(report.value.params, report.value.body) : report;
    handler.count(answer.ok ? 'recorded' : answer.error.code);
    if (answer.ok) respond(res, 202, answer.value);
    else sendProblem(res, answer.error);
  };
}

function readReport<P extends z.ZodType, B extends z.ZodType>(
  paramsSchema: P,
  bodySchema: B,
  req: Request,
): Result<{ params: z.output<P>; body: z.output<B> }, FieldFailure> {
  if (req.body === undefined) return err(NO_JSON);
  const params = paramsSchema.safeParse(req.params);
  const body = bodySchema.safeParse(req.body);
  if (params.success && body.success) return ok({ params: params.data, body: body.data });
  const errors: FieldError[] = [];
  if (!params.success) errors.push(...fieldErrors('params', params.error));
  if (!body.success) errors.push(...fieldErrors('body', body.error));
  return err(invalidRequest(errors));
}

export const NO_JSON: FieldFailure = {
  code: 'unsupported_media_type',
  message: 'The body must be JSON.',
  nextStep: 'Send content-type: application/json.',
};
