import { NO_FILL_REASONS } from '../../contracts/http/ad-server.js';
import { NO_BID_REASONS, type NoBidReason } from '../../domain/auction.js';
import type { Metrics } from '../../infra/metrics.js';

export type QueryResultLabel = 'filled' | (typeof NO_FILL_REASONS)[number];
const QUERY_RESULTS: readonly QueryResultLabel[] = ['filled', ...NO_FILL_REASONS];

interface Count {
  inc(by?: number): void;
}

/** The ad server's figures. Children are bound once: labels are looked up at start, not per request. */
export function createAdServerMetrics(metrics: Metrics) {
  const queries = metrics.counter('ads_ad_queries_total', 'Ad queries by result.', ['result']);
  const noBids = metrics.counter('ads_no_bid_total', 'Candidates that did not win, by reason.', ['reason']);
  const http = metrics.histogramMs('ads_http_request_ms', 'Time to answer a request.', [
    'server',
    'method',
    'route',
    'status',
  ]);
  const adsAnswered = http.labels({
    server: 'ad-server',
    method: 'GET',
    route: '/v1/ads',
    status: '200',
  });
  return {
    queries: bind(QUERY_RESULTS, (result) => queries.labels({ result })),
    noBids: bind(Object.keys(NO_BID_REASONS) as NoBidReason[], (reason) => noBids.labels({ reason })),
    adsAnswered: (tookMs: number) => adsAnswered.observe(tookMs),
    answered: (method: string, route: string, status: number, tookMs: number) =>
      http.observe({ server: 'ad-server', method, route, status: String(status) }, tookMs),
    clicks: metrics.counter('ads_clicks_total', 'Reported clicks by answer.', ['answer']),
    clickAppended: metrics.histogramMs(
      'ads_click_append_ms',
      'Time until every in-sync replica had a click.',
    ),
    impressionReports: metrics.counter('ads_impression_reports_total', 'Reports of seen ads by answer.', [
      'answer',
    ]),
    orderReports: metrics.counter('ads_order_reports_total', 'Reported orders and cancellations by answer.', [
      'kind',
      'answer',
    ]),
    limited: metrics.counter('ads_rate_limited_total', 'Requests of an API key over its limit.', ['scope']),
    refusedTokens: metrics.counter('ads_click_token_refused_total', 'Forged or broken click tokens.', [
      'refusal',
    ]),
    neutralCounters: metrics.counter(
      'ads_click_counters_missing_total',
      'Clicks whose burst counters could not be asked and count as innocent.',
    ),
    servedDropped: metrics.counter(
      'ads_served_dropped_total',
      'Requests whose ADS_SERVED never reached Kafka.',
    ),
    badBlobs: metrics.counter('ads_ranking_bad_blobs_total', 'Rankings in Redis that could not be read.'),
    badStops: metrics.counter('ads_serving_stop_bad_total', 'Serving stops that could not be read.'),
    badBudgetSignals: metrics.counter(
      'ads_budget_signal_bad_total',
      'Messages about money near its end or even spending that could not be read.',
    ),
    fallbacks: metrics.counter('ads_ranking_fallback_total', 'Rankings asked from PostgreSQL, by result.', [
      'result',
    ]),
    clickQueue: metrics.gauge('ads_click_queue_length', 'Clicks that Kafka has not confirmed yet.'),
    servedQueue: metrics.gauge('ads_served_queue_length', 'Requests whose ADS_SERVED is not in Kafka yet.'),
    orderQueue: metrics.gauge('ads_order_queue_length', 'Order lines that Kafka has not confirmed yet.'),
    rankings: metrics.gauge('ads_ranking_copy_rankings', 'Rankings held in memory.'),
    rankingAge: metrics.gauge(
      'ads_ranking_copy_age_ms',
      'Since the rankings held were last known to equal Redis.',
    ),
    budgetSignals: metrics.gauge(
      'ads_budget_signals',
      'Campaigns and advertisers near the end of their money, and evenly spending campaigns, held in memory.',
    ),
    reasonsDropped: metrics.counter(
      'ads_serving_reasons_dropped_total',
      'Hours of serving reasons that were given up because Redis did not take them in time.',
    ),
    reasonsWaiting: metrics.gauge(
      'ads_serving_reasons_campaigns',
      'Campaigns whose serving reasons are counted in memory and not in Redis yet.',
    ),
    stops: metrics.gauge('ads_serving_stops', 'Campaigns and advertisers that are stopped.'),
  };
}
export type AdServerMetrics = ReturnType<typeof createAdServerMetrics>;

function bind<K extends string>(names: readonly K[], child: (name: K) => Count): Readonly<Record<K, Count>> {
  return Object.fromEntries(names.map((name) => [name, child(name)])) as Record<K, Count>;
}
