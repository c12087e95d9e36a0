-- QUESTION  How does each ad do on each placement, in five minutes: served, seen, clicked, bought?
-- RULE      As domain/performance-window.ts: valid decided clicks; conversions less reversals, counted when their event
--           is recorded (a reversal may make a window negative). CTR = clicks / served, CVR = conversions / clicks, in
--           integer parts per million, towards zero, 0 without a denominator. Money spent is not here: see click_charge.
-- WINDOW    Five minutes of event time, with early results every 10 seconds in which something happened, unless they
--           are older than ${EARLY_RESULT_AGE_SECONDS} s of real time; `isFinal` tells the last from the early ones. A function counts
--           them, since CUMULATE wakes every ad for every step (docs/adr/0018).
-- REPEATS   Each event id counts once: the first in the log, for ${REPEAT_TTL_HOURS} hours of real time.
-- STATE     One row of sums per (ad, placement) and open window; event ids of ${REPEAT_TTL_HOURS} hours (one for the ads of up to
--           200 requests, one per view, click and conversion).
-- A line with nothing but ; ends a statement.

CREATE TEMPORARY FUNCTION SERVED_ADS AS 'cpcads.flink.served.ServedAds'
;

CREATE TEMPORARY FUNCTION PERFORMANCE_WINDOW AS 'cpcads.flink.performance.PerformanceWindow'
;

CREATE TEMPORARY VIEW served_record AS
SELECT recordedAt, served, eventTime
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY eventId ORDER BY processedAt ASC) AS occurrence
  FROM ad_facts
  WHERE `type` = 'ADS_SERVED' AND eventId IS NOT NULL AND recordedAt > 0
)
WHERE occurrence = 1
;

CREATE TEMPORARY VIEW ad_event AS
SELECT recordedAt, adId, campaignId, placement, `type`, conversionValueKrw
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY eventId ORDER BY processedAt ASC) AS occurrence
  FROM ad_facts
  WHERE (`type` IN ('AD_VIEWED', 'AD_CONVERTED', 'AD_CONVERSION_REVERSED') OR (`type` = 'AD_CLICK_DECIDED' AND valid))
    AND eventId IS NOT NULL AND recordedAt > 0
)
WHERE occurrence = 1
;

-- No function is given a time column (on_time): Flink 2.2.1 would keep what comes behind the clock from it, uncounted,
-- although its window may be open. PERFORMANCE_WINDOW itself compares the end of a window with the clock.
CREATE TEMPORARY VIEW fact AS
SELECT recordedAt, adId, campaignId, placement, CAST(1 AS BIGINT) AS served, CAST(0 AS BIGINT) AS viewed,
       CAST(0 AS BIGINT) AS clicks, CAST(0 AS BIGINT) AS conversions, CAST(0 AS BIGINT) AS valueKrw
FROM SERVED_ADS(records => TABLE served_record, uid => 'served-ads')
UNION ALL
SELECT recordedAt, adId, campaignId, placement, CAST(0 AS BIGINT),
       CAST(CASE `type` WHEN 'AD_VIEWED' THEN 1 ELSE 0 END AS BIGINT),
       CAST(CASE `type` WHEN 'AD_CLICK_DECIDED' THEN 1 ELSE 0 END AS BIGINT),
       CAST(CASE `type` WHEN 'AD_CONVERTED' THEN 1 WHEN 'AD_CONVERSION_REVERSED' THEN -1 ELSE 0 END AS BIGINT),
       CASE `type` WHEN 'AD_CONVERTED' THEN conversionValueKrw WHEN 'AD_CONVERSION_REVERSED' THEN -conversionValueKrw
                   ELSE CAST(0 AS BIGINT) END
FROM ad_event
;

-- One column, since a view forgets the brackets around several that it is partitioned by (Flink 2.2.1).
CREATE TEMPORARY VIEW placed_fact AS
SELECT CAST(ROW(adId, placement) AS ROW<adId STRING, placement STRING>) AS place, recordedAt, campaignId, served,
       viewed, clicks, conversions, valueKrw
FROM fact
WHERE adId IS NOT NULL AND campaignId IS NOT NULL AND placement IN (${PLACEMENTS}) AND valueKrw IS NOT NULL
;

-- An early result of a window that is long over is not told, as when the log is caught up with: the final one is on its
-- way.
CREATE TEMPORARY VIEW performance AS
SELECT place.adId AS adId, place.placement AS placement, windowStartMs, windowEndMs, isFinal, campaignId, served,
       viewed, clicks, conversions, valueKrw
FROM PERFORMANCE_WINDOW(
  facts => TABLE placed_fact PARTITION BY place, windowMs => CAST(${WINDOW_MS} AS BIGINT),
  stepMs => CAST(${STEP_MS} AS BIGINT), earlyAgeMs => CAST(${EARLY_RESULT_AGE_SECONDS} AS BIGINT) * 1000,
  uid => 'performance-window')
WHERE isFinal OR windowEndMs >= 1000 * (UNIX_TIMESTAMP() - ${EARLY_RESULT_AGE_SECONDS})
;

CREATE TEMPORARY VIEW performance_metrics AS
SELECT adId, placement, JSON_OBJECT(
         'adId' VALUE adId, 'placement' VALUE placement, 'windowStartMs' VALUE windowStartMs,
         'windowEndMs' VALUE windowEndMs, 'isFinal' VALUE isFinal, 'servedImpressions' VALUE served,
         'viewedImpressions' VALUE viewed, 'clicks' VALUE clicks, 'conversions' VALUE conversions,
         'conversionValueKrw' VALUE valueKrw,
         'ctrPpm' VALUE CASE WHEN served = 0 THEN 0 ELSE clicks * 1000000 / served END,
         'cvrPpm' VALUE CASE WHEN clicks = 0 THEN 0 ELSE conversions * 1000000 / clicks END) AS metrics
FROM performance
;

EXECUTE STATEMENT SET BEGIN
INSERT INTO performance_5m
SELECT adId, placement, windowStartMs, windowEndMs, isFinal, campaignId, served, viewed, clicks, conversions, valueKrw
FROM performance;
INSERT INTO redis_performance SELECT adId, placement, metrics FROM performance_metrics;
END
;
