/**
 * The one map from a failure's code to its HTTP status. A code that is not listed is an expected refusal of a
 * well-formed request: 422. Only codes with another meaning need a line here.
 */
export const FAILURE_STATUS: Readonly<Record<string, number>> = {
  invalid_request: 400,
  malformed_json: 400,
  invalid_cursor: 400,
  forged_click_token: 400,
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
  internal_error: 500,
  dependency_unavailable: 503,
  click_path_down: 503,
  event_log_down: 503,
};

export const DEFAULT_FAILURE_STATUS = 422;

export function statusOfFailure(code: string): number {
  return FAILURE_STATUS[code] ?? DEFAULT_FAILURE_STATUS;
}
