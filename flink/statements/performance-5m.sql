-- QUESTION  How does each ad do on each placement, in five minutes: served, seen, clicked, bought?
-- RULE      As domain/performance-window.ts: valid decided clicks; conversions less reversals, counted when their event
--           is recorded (a reversal may make a window negative). CTR = clicks / served, CVR = conversions / clicks, in
--           integer parts per million, towards zero, 0 without a denominator. Money spent is not here: see click_charge.
-- WINDOW    Five minutes of event time, with early results every 10 seconds in which something happened, unless they
--           are older than ${EARLY_RESULT_AGE_SECONDS} s of real time; `isFinal` tells the last from the early ones. Two functions count
--           them (docs/adr/0018): one adds up in a few lanes what came since the last step, the other adds the lanes up.
-- REPEATS   Each event id counts once: the first in the log, for ${REPEAT_TTL_MS} ms of real time at least. Its lane is
--           chosen by its id, so that repetitions meet.
-- STATE     One row of sums per (ad, placement) and open window, one per lane besides; event ids of that time, some 20
--           bytes each (one for the ads of up to 200 requests, one per view, click and conversion).
-- A line with nothing but ; ends a statement.

CREATE TEMPORARY FUNCTION LANE AS 'cpcads.flink.performance.Lane'
;

CREATE TEMPORARY FUNCTION PARTIAL_COUNTS AS 'cpcads.flink.performance.PartialCounts'
;

CREATE TEMPORARY FUNCTION PERFORMANCE_WINDOW AS 'cpcads.flink.performance.PerformanceWindow'
;

CREATE TEMPORARY VIEW counted_record AS
SELECT LANE(eventId) AS lane, eventId, `type`, recordedAt, served, adId, campaignId, placement, conversionValueKrw
FROM ad_facts
WHERE (`type` IN ('ADS_SERVED', 'AD_VIEWED', 'AD_CONVERTED', 'AD_CONVERSION_REVERSED')
    OR (`type` = 'AD_CLICK_DECIDED' AND valid))
  AND eventId IS NOT NULL AND recordedAt > 0
;

-- No function is given a time column (on_time): Flink 2.2.1 would keep what comes behind the clock from it, uncounted,
-- although its window may be open. The functions themselves compare the end of a window with the clock.
CREATE TEMPORARY VIEW fact AS
SELECT recordedAt, adId, campaignId, placement, served, viewed, clicks, conversions, valueKrw
FROM PARTIAL_COUNTS(
  records => TABLE counted_record PARTITION BY lane, windowMs => CAST(${WINDOW_MS} AS BIGINT),
  stepMs => CAST(${STEP_MS} AS BIGINT), earlyAgeMs => CAST(${EARLY_RESULT_AGE_SECONDS} AS BIGINT) * 1000,
  repeatMs => CAST(${REPEAT_TTL_MS} AS BIGINT), uid => 'partial-counts')
;

-- One column, since a view forgets the brackets around several that it is partitioned by (Flink 2.2.1).
CREATE TEMPORARY VIEW placed_fact AS
SELECT CAST(ROW(adId, placement) AS ROW<adId STRING, placement STRING>) AS place, recordedAt, campaignId, served,
       viewed, clicks, conversions, valueKrw
FROM fact
WHERE placement IN (${PLACEMENTS})
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
