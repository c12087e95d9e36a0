/**
 * The one map from a failure's code to its HTTP status. A code that is not listed is an expected refusal of a
 * well-formed request: 422. Only codes with another meaning need a line here.
 */
export const FAILURE_STATUS: Readonly<Record<string, number>> = {
  invalid_request: 400,
  malformed_json: 400,
  malformed_request: 400,
  invalid_cursor: 400,
  forged_click_token: 400,
  forged_page_token: 400,
  foreign_page_token: 400,
  expired_page_token: 400,
  unauthenticated: 401,
  wrong_credentials: 401,
  invalid_webhook_signature: 401,
  forbidden: 403,
  csrf_check_failed: 403,
  advertiser_not_active: 403,
  clock_is_fixed_in_production: 403,
  not_found: 404,
  click_not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  already_claimed: 409,
  already_exists: 409,
  already_decided: 409,
  business_day_not_over: 409,
  month_not_over: 409,
  settlement_running: 409,
  correction_pending: 409,
  click_not_charged: 409,
  wrong_status: 409,
  version_conflict: 409,
  amount_mismatch: 409,
  order_mismatch: 409,
  idempotency_key_reused: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  too_many_applications: 429,
  too_many_requests: 429,
  too_many_sign_ins: 429,
  headers_too_large: 431,
  internal_error: 500,
  dependency_unavailable: 503,
  click_path_down: 503,
  event_log_down: 503,
};

export const DEFAULT_FAILURE_STATUS = 422;

export function statusOfFailure(code: string): number {
  return FAILURE_STATUS[code] ?? DEFAULT_FAILURE_STATUS;
}

/** What to do about a failure that does not say it better itself: no problem leaves without a next step. */
const NEXT_STEPS: Readonly<Record<number, string>> = {
  400: 'Correct the request as described in /openapi.json and send it again.',
  401: 'Sign in, or send a valid key, and try again.',
  403: 'Use an account or key that may do this, or ask an operator.',
  404: 'Check the id; lists show what there is and is yours.',
  409: 'Read the object again: its state has changed, or does not allow this.',
  413: 'Send less in one request.',
  415: 'Send it in another form, as described in /openapi.json.',
  422: 'Change what is named and send it again.',
  429: 'Wait for the time of Retry-After.',
  503: 'Try again in a moment.',
};

export function nextStepOfStatus(status: number): string {
  return NEXT_STEPS[status] ?? 'Try again; if it stays, tell us the correlation id.';
}
