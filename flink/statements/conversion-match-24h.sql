-- QUESTION  Which ad click does an order line come from?
-- RULE      As domain/conversion-match.ts: a clean click of the same device on an ad of the same seller, at most 24 hours
--           before. The product that was bought (direct) before another one of the seller (indirect), then the latest
--           click, then the greatest click id. A cancelled order line is reversed, whichever came first, up to the
--           reversal horizon after it.
-- WINDOW    [recordedAt of the order line - 24 h, recordedAt]: both ends belong to it, to the millisecond. An order line
--           is decided when the watermark has passed it. As OVER windows: append-only, so nothing is ever taken back.
-- REPEATS   An order line, its cancellation and a click id count once: the first in the log, for ${REPEAT_TTL_HOURS} hours of real time.
-- EMISSION  The events' recordedAt is when they are appended, told by the business clock: the time of the order line
--           plus the order line's age in real time, at least the watermark delay. So they fall into a window that is
--           still open, also after an outage. An age above ${LONGEST_EMISSION_DELAY_SECONDS} s is a replay: its events stay late, and are counted no
--           second time. (docs/adr/0008)
-- FATES     Every order line is matched, unmatched (both counted per window of 5 minutes), or set aside with a reason:
--           not as the contract says, or late. So sent = joined + unmatched + set aside. What is set aside becomes a
--           dead letter (docs/runbooks/dead-letters.md).
-- LATE      A row that comes behind the watermark of its own source. Rows that pass cannot be late further down: within
--           a channel rows and watermarks keep their order, and an operator's clock is the slowest of its channels.
--           A late order line is set aside. So is a late click, which is counted and credited nothing: what it
--           could have won may be decided. A cancellation has no window, so it is never late.
-- STATE     Clicks and order lines of the click window in event time, freed by the windows themselves; ids of ${REPEAT_TTL_HOURS} hours;
--           matches and cancellations of ${REVERSAL_STATE_DAYS} days of real time, longer than the horizon. A cancellation that comes even
--           later finds its conversion in PostgreSQL (order_line_cancellation).
-- A line with nothing but ; ends a statement.

CREATE TEMPORARY VIEW ad_click AS
SELECT clickId, adId, campaignId, advertiserId, productId, placement, deviceHash, recordedAt, eventTime, processedAt,
       COALESCE(eventTime <= CURRENT_WATERMARK(eventTime), FALSE) AS late
FROM ad_clicks
WHERE `type` = 'AD_CLICKED' AND schemaVersion = 1 AND clean AND recordedAt > 0 AND deviceHash <> ''
  AND clickId IS NOT NULL AND adId IS NOT NULL AND campaignId IS NOT NULL AND advertiserId IS NOT NULL
  AND productId IS NOT NULL AND placement IN (${PLACEMENTS})
;

CREATE TEMPORARY VIEW click AS
SELECT clickId, adId, campaignId, advertiserId, productId, placement, deviceHash, recordedAt, eventTime
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY clickId ORDER BY processedAt ASC) AS occurrence
  FROM ad_click
  WHERE NOT late
)
WHERE occurrence = 1
;

-- The contract of the topic (contracts/events/conversion-events.ts) in SQL, then the watermark.
CREATE TEMPORARY VIEW order_event AS
SELECT *,
       CASE
         WHEN `type` IS NULL OR `type` NOT IN ('ORDER_LINE_PLACED', 'ORDER_LINE_CANCELLED') THEN 'schema: type'
         WHEN schemaVersion IS NULL OR schemaVersion <> 1 THEN 'schema: schemaVersion'
         WHEN NOT COALESCE(eventId <> '' AND recordedAt > 0 AND orderLineId <> '' AND orderId <> ''
                           AND deviceHash IS NOT NULL, FALSE) THEN 'schema: a field of every order event'
         WHEN `type` = 'ORDER_LINE_PLACED' AND NOT COALESCE(productId <> '' AND sellerId <> '' AND quantity > 0
                           AND amountKrw >= 0 AND orderedAt > 0, FALSE) THEN 'schema: a field of an order line'
         WHEN `type` = 'ORDER_LINE_PLACED' AND eventTime <= CURRENT_WATERMARK(eventTime)
           THEN 'late: its topic was more than ${MATCH_WATERMARK_SECONDS} s further when it came'
       END AS setAsideBecause
FROM conversion_events
WHERE `type` IS NULL OR `type` <> 'CLOCK_TICK'
;

CREATE TEMPORARY VIEW order_line AS
SELECT orderLineId, orderId, deviceHash, productId, sellerId, quantity, amountKrw, recordedAt, appendedAt, eventTime
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY orderLineId ORDER BY processedAt ASC) AS occurrence
  FROM order_event
  WHERE `type` = 'ORDER_LINE_PLACED' AND setAsideBecause IS NULL
)
WHERE occurrence = 1
;

CREATE TEMPORARY VIEW cancellation AS
SELECT orderLineId, recordedAt AS reversedAt, appendedAt AS cancellationAppendedAt, logPartition, logOffset, deviceHash,
       JSON_OBJECT(KEY 'eventId' VALUE eventId, KEY 'schemaVersion' VALUE schemaVersion, KEY 'type' VALUE `type`,
         KEY 'recordedAt' VALUE recordedAt, KEY 'orderLineId' VALUE orderLineId, KEY 'orderId' VALUE orderId,
         KEY 'deviceHash' VALUE deviceHash) AS record
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY orderLineId ORDER BY processedAt ASC) AS occurrence
  FROM order_event
  WHERE `type` = 'ORDER_LINE_CANCELLED' AND setAsideBecause IS NULL
)
WHERE occurrence = 1
;

-- Clicks and order lines in one stream. A click is one text that sorts by its time (fixed width), then by its id. An
-- order line of an unknown device is a shopper of its own, without clicks: it is decided like any other.
CREATE TEMPORARY VIEW timeline AS
SELECT deviceHash AS shopper, advertiserId AS sellerId, productId,
       LPAD(CAST(recordedAt AS STRING), 16, '0') || CHR(1) || clickId || CHR(1) || adId || CHR(1) || campaignId || CHR(1)
         || placement AS click,
       CAST(NULL AS STRING) AS orderLineId, CAST(NULL AS STRING) AS orderId, CAST(NULL AS BIGINT) AS quantity,
       CAST(NULL AS BIGINT) AS amountKrw, recordedAt, CAST(NULL AS TIMESTAMP_LTZ(3)) AS appendedAt, eventTime
FROM click
UNION ALL
SELECT CASE WHEN deviceHash = '' THEN CHR(1) || orderLineId ELSE deviceHash END, sellerId, productId,
       CAST(NULL AS STRING), orderLineId, orderId, quantity, amountKrw, recordedAt, appendedAt, eventTime
FROM order_line
;

CREATE TEMPORARY VIEW with_direct AS
SELECT *, MAX(click) OVER (PARTITION BY shopper, sellerId, productId ORDER BY eventTime
                           RANGE BETWEEN INTERVAL '${CLICK_WINDOW}' DAY TO SECOND PRECEDING AND CURRENT ROW) AS directClick
FROM timeline
;

CREATE TEMPORARY VIEW with_indirect AS
SELECT *, MAX(click) OVER (PARTITION BY shopper, sellerId ORDER BY eventTime
                           RANGE BETWEEN INTERVAL '${CLICK_WINDOW}' DAY TO SECOND PRECEDING AND CURRENT ROW) AS anyClick
FROM with_direct
;

-- A click on the bought product is the latest of all only if it is the latest of its product.
CREATE TEMPORARY VIEW decided AS
SELECT *, CASE WHEN matched = directClick THEN 'direct' WHEN matched IS NOT NULL THEN 'indirect' END AS `match`
FROM (
  SELECT *, CASE WHEN NOT ${INDIRECT_COUNTS} THEN directClick
                 WHEN ${DIRECT_FIRST} THEN COALESCE(directClick, anyClick)
                 ELSE anyClick END AS matched
  FROM with_indirect
  WHERE orderLineId IS NOT NULL
)
;

CREATE TEMPORARY VIEW conversion AS
SELECT orderLineId, orderId, SPLIT_INDEX(matched, CHR(1), 1) AS clickId, SPLIT_INDEX(matched, CHR(1), 2) AS adId,
       SPLIT_INDEX(matched, CHR(1), 3) AS campaignId, sellerId AS advertiserId,
       SPLIT_INDEX(matched, CHR(1), 4) AS placement, productId, `match`, quantity, amountKrw AS conversionValueKrw,
       CAST(SPLIT_INDEX(matched, CHR(1), 0) AS BIGINT) AS clickedAt, recordedAt AS convertedAt,
       recordedAt + 1000 * LEAST(${LONGEST_EMISSION_DELAY_SECONDS}, GREATEST(${MATCH_WATERMARK_SECONDS},
         COALESCE(TIMESTAMPDIFF(SECOND, appendedAt, CURRENT_TIMESTAMP), 0))) AS emittedAt
FROM decided
WHERE matched IS NOT NULL
;

CREATE TEMPORARY VIEW fate AS
SELECT UNIX_TIMESTAMP(CAST(window_start AS STRING)) * 1000 AS windowStartMs, direct, indirect,
       orderLines - direct - indirect AS unmatched, orderLines, conversionValueKrw
FROM (
  SELECT window_start, COUNT(*) AS orderLines, SUM(CASE WHEN `match` = 'direct' THEN 1 ELSE 0 END) AS direct,
         SUM(CASE WHEN `match` = 'indirect' THEN 1 ELSE 0 END) AS indirect,
         SUM(CASE WHEN matched IS NULL THEN 0 ELSE amountKrw END) AS conversionValueKrw
  FROM TABLE(TUMBLE(TABLE decided, DESCRIPTOR(eventTime), INTERVAL '5' MINUTE))
  GROUP BY window_start, window_end
)
;

-- An ordinary join of two append-only streams: whichever comes first waits for the other.
CREATE TEMPORARY VIEW cancelled_conversion AS
SELECT /*+ STATE_TTL('c' = '${REVERSAL_STATE_DAYS} d', 'x' = '${REVERSAL_STATE_DAYS} d') */
       c.orderLineId, c.orderId, c.clickId, c.adId, c.campaignId, c.advertiserId, c.placement, c.productId, c.`match`,
       c.quantity, c.conversionValueKrw, c.clickedAt, c.convertedAt, x.reversedAt,
       GREATEST(c.emittedAt, x.reversedAt + 1000 * LEAST(${LONGEST_EMISSION_DELAY_SECONDS},
         GREATEST(0, COALESCE(TIMESTAMPDIFF(SECOND, x.cancellationAppendedAt, CURRENT_TIMESTAMP), 0)))) AS emittedAt,
       x.reversedAt - c.convertedAt <= ${REVERSAL_HORIZON_MS} AS inHorizon, x.logPartition, x.logOffset, x.deviceHash, x.record
FROM conversion AS c
JOIN cancellation AS x ON x.orderLineId = c.orderLineId
;

CREATE TEMPORARY VIEW reversal AS
SELECT orderLineId, orderId, clickId, adId, campaignId, advertiserId, placement, productId, `match`, quantity,
       conversionValueKrw, clickedAt, convertedAt, reversedAt, emittedAt
FROM cancelled_conversion
WHERE inHorizon
;

-- A record without a place in the log is a late click: nothing but its count is of use.
CREATE TEMPORARY VIEW set_aside AS
SELECT '${TOPIC_PREFIX}conversion-events' AS topic, logPartition, logOffset, deviceHash AS recordKey,
       CASE WHEN `type` IN ('ORDER_LINE_PLACED', 'ORDER_LINE_CANCELLED') THEN `type` END AS recordType,
       JSON_OBJECT(KEY 'eventId' VALUE eventId, KEY 'schemaVersion' VALUE schemaVersion, KEY 'type' VALUE `type`,
         KEY 'recordedAt' VALUE recordedAt, KEY 'orderLineId' VALUE orderLineId, KEY 'orderId' VALUE orderId,
         KEY 'deviceHash' VALUE deviceHash, KEY 'productId' VALUE productId, KEY 'sellerId' VALUE sellerId,
         KEY 'quantity' VALUE quantity, KEY 'amountKrw' VALUE amountKrw, KEY 'orderedAt' VALUE orderedAt
         ABSENT ON NULL) AS record,
       setAsideBecause AS reason, recordedAt,
       CAST(logPartition AS STRING) || '/' || CAST(logOffset AS STRING) AS place
FROM order_event
WHERE setAsideBecause IS NOT NULL
UNION ALL
SELECT '${TOPIC_PREFIX}conversion-events', logPartition, logOffset, deviceHash, 'ORDER_LINE_CANCELLED', record,
       '${BEYOND_HORIZON}', reversedAt, CAST(logPartition AS STRING) || '/' || CAST(logOffset AS STRING)
FROM cancelled_conversion
WHERE NOT inHorizon
UNION ALL
SELECT '${TOPIC_PREFIX}ad-events', CAST(NULL AS INT), CAST(NULL AS BIGINT), advertiserId, 'AD_CLICKED',
       JSON_OBJECT(KEY 'type' VALUE 'AD_CLICKED', KEY 'recordedAt' VALUE recordedAt, KEY 'clickId' VALUE clickId,
         KEY 'adId' VALUE adId, KEY 'campaignId' VALUE campaignId, KEY 'deviceHash' VALUE deviceHash),
       'late: its topic was more than ${MATCH_WATERMARK_SECONDS} s further when it came', recordedAt, 'click/' || clickId
FROM ad_click
WHERE late
;

CREATE TEMPORARY VIEW conversion_event AS
SELECT 'converted:' || orderLineId AS eventId, 1 AS schemaVersion, 'AD_CONVERTED' AS `type`, emittedAt AS recordedAt,
       orderLineId, orderId, clickId, adId, campaignId, advertiserId, placement, productId, `match`, quantity,
       conversionValueKrw, clickedAt, convertedAt, CAST(NULL AS BIGINT) AS reversedAt, ${RULES_VERSION} AS rulesVersion
FROM conversion
UNION ALL
SELECT 'reversed:' || orderLineId, 1, 'AD_CONVERSION_REVERSED', emittedAt,
       orderLineId, orderId, clickId, adId, campaignId, advertiserId, placement, productId, `match`, quantity,
       conversionValueKrw, clickedAt, convertedAt, reversedAt, ${RULES_VERSION}
FROM reversal
;

EXECUTE STATEMENT SET BEGIN
INSERT INTO conversion_result
SELECT orderLineId, clickId, adId, campaignId, advertiserId, placement, productId, `match`, quantity,
       conversionValueKrw, clickedAt, convertedAt, ${RULES_VERSION}
FROM conversion;
INSERT INTO conversion_reversal
SELECT orderLineId, clickId, adId, campaignId, advertiserId, placement, productId, `match`, quantity,
       conversionValueKrw, clickedAt, convertedAt, reversedAt, ${RULES_VERSION}
FROM reversal;
INSERT INTO ad_conversions
SELECT *, MAP['type', ENCODE(`type`, 'UTF-8')] FROM conversion_event;
INSERT INTO order_line_fate_5m
SELECT windowStartMs, direct, indirect, unmatched, orderLines, conversionValueKrw, ${RULES_VERSION} FROM fate;
INSERT INTO order_line_cancellation
SELECT orderLineId, reversedAt, ${REVERSAL_HORIZON_MS}, '${TOPIC_PREFIX}conversion-events', logPartition, logOffset,
       deviceHash, record, '${BEYOND_HORIZON}'
FROM cancellation;
INSERT INTO match_set_aside
SELECT topic || '/' || place, topic, logPartition, logOffset, recordKey, recordType, record, reason, recordedAt
FROM set_aside;
END
;
