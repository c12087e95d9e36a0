-- QUESTION  Which ad click does an order line come from?
-- RULE      As domain/conversion-match.ts: a clean click of the same device on an ad of the same seller, at most 24 hours
--           before. The product that was bought (direct) before another one of the seller (indirect), then the latest
--           click, then the greatest click id. A cancelled order line is reversed, whichever came first.
-- WINDOW    [recordedAt of the order line - 24 h, recordedAt]: both ends belong to it, to the millisecond. An order line
--           is decided when the watermark has passed it. As OVER windows: append-only, so nothing is ever taken back.
-- REPEATS   An order line, its cancellation and a click id count once: the first in the log, for ${REPEAT_TTL_HOURS} hours of real time.
-- EMISSION  The events' recordedAt is when they are appended, told by the business clock: the time of the order line
--           plus the order line's age in real time, at least the watermark delay. So they fall into a window that is
--           still open, also after an outage. An age above ${LONGEST_EMISSION_DELAY_SECONDS} s is a replay: its events stay late, and are counted no
--           second time. (docs/adr/0008)
-- STATE     Clicks and order lines of 24 hours of event time, freed by the windows themselves; ids of ${REPEAT_TTL_HOURS} hours; matches
--           and cancellations of ${REVERSAL_DAYS} days: an order line that is cancelled later is not reversed here.
-- A line with nothing but ; ends a statement.

CREATE TEMPORARY VIEW click AS
SELECT clickId, adId, campaignId, advertiserId, productId, placement, deviceHash, recordedAt, eventTime
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY clickId ORDER BY processedAt ASC) AS occurrence
  FROM ad_clicks
  WHERE `type` = 'AD_CLICKED' AND clean AND recordedAt > 0 AND deviceHash <> ''
    AND clickId IS NOT NULL AND adId IS NOT NULL AND campaignId IS NOT NULL AND advertiserId IS NOT NULL
    AND productId IS NOT NULL AND placement IN (${PLACEMENTS})
)
WHERE occurrence = 1
;

CREATE TEMPORARY VIEW order_line AS
SELECT orderLineId, orderId, deviceHash, productId, sellerId, quantity, amountKrw, recordedAt, appendedAt, eventTime
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY orderLineId ORDER BY processedAt ASC) AS occurrence
  FROM conversion_events
  WHERE `type` = 'ORDER_LINE_PLACED' AND recordedAt > 0 AND deviceHash <> '' AND quantity > 0 AND amountKrw >= 0
    AND orderLineId IS NOT NULL AND orderId IS NOT NULL AND productId IS NOT NULL AND sellerId IS NOT NULL
)
WHERE occurrence = 1
;

CREATE TEMPORARY VIEW cancellation AS
SELECT orderLineId, recordedAt AS reversedAt, appendedAt AS cancellationAppendedAt
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY orderLineId ORDER BY processedAt ASC) AS occurrence
  FROM conversion_events
  WHERE `type` = 'ORDER_LINE_CANCELLED' AND recordedAt > 0 AND orderLineId IS NOT NULL
)
WHERE occurrence = 1
;

-- Clicks and order lines in one stream. A click is one text that sorts by its time (fixed width), then by its id.
CREATE TEMPORARY VIEW timeline AS
SELECT deviceHash, advertiserId AS sellerId, productId,
       LPAD(CAST(recordedAt AS STRING), 16, '0') || CHR(1) || clickId || CHR(1) || adId || CHR(1) || campaignId || CHR(1)
         || placement AS click,
       CAST(NULL AS STRING) AS orderLineId, CAST(NULL AS STRING) AS orderId, CAST(NULL AS BIGINT) AS quantity,
       CAST(NULL AS BIGINT) AS amountKrw, recordedAt, CAST(NULL AS TIMESTAMP_LTZ(3)) AS appendedAt, eventTime
FROM click
UNION ALL
SELECT deviceHash, sellerId, productId, CAST(NULL AS STRING), orderLineId, orderId, quantity, amountKrw, recordedAt,
       appendedAt, eventTime
FROM order_line
;

CREATE TEMPORARY VIEW with_direct AS
SELECT *, MAX(click) OVER (PARTITION BY deviceHash, sellerId, productId ORDER BY eventTime
                           RANGE BETWEEN INTERVAL '${CLICK_WINDOW}' DAY TO SECOND PRECEDING AND CURRENT ROW) AS directClick
FROM timeline
;

CREATE TEMPORARY VIEW with_indirect AS
SELECT *, MAX(click) OVER (PARTITION BY deviceHash, sellerId ORDER BY eventTime
                           RANGE BETWEEN INTERVAL '${CLICK_WINDOW}' DAY TO SECOND PRECEDING AND CURRENT ROW) AS anyClick
FROM with_direct
;

CREATE TEMPORARY VIEW conversion AS
SELECT orderLineId, orderId, SPLIT_INDEX(matched, CHR(1), 1) AS clickId, SPLIT_INDEX(matched, CHR(1), 2) AS adId,
       SPLIT_INDEX(matched, CHR(1), 3) AS campaignId, sellerId AS advertiserId,
       SPLIT_INDEX(matched, CHR(1), 4) AS placement, productId, `match`, quantity, amountKrw AS conversionValueKrw,
       CAST(SPLIT_INDEX(matched, CHR(1), 0) AS BIGINT) AS clickedAt, recordedAt AS convertedAt,
       recordedAt + 1000 * LEAST(${LONGEST_EMISSION_DELAY_SECONDS}, GREATEST(${MATCH_WATERMARK_SECONDS},
         COALESCE(TIMESTAMPDIFF(SECOND, appendedAt, CURRENT_TIMESTAMP), 0))) AS emittedAt
FROM (
  -- A click on the bought product is the latest of all only if it is the latest of its product.
  SELECT *, CASE WHEN matched = directClick THEN 'direct' ELSE 'indirect' END AS `match`
  FROM (
    SELECT *, CASE WHEN NOT ${INDIRECT_COUNTS} THEN directClick
                   WHEN ${DIRECT_FIRST} THEN COALESCE(directClick, anyClick)
                   ELSE anyClick END AS matched
    FROM with_indirect
    WHERE orderLineId IS NOT NULL
  )
)
WHERE matched IS NOT NULL
;

-- An ordinary join of two append-only streams: whichever comes first waits for the other.
CREATE TEMPORARY VIEW reversal AS
SELECT /*+ STATE_TTL('c' = '${REVERSAL_DAYS} d', 'x' = '${REVERSAL_DAYS} d') */
       c.orderLineId, c.orderId, c.clickId, c.adId, c.campaignId, c.advertiserId, c.placement, c.productId, c.`match`,
       c.quantity, c.conversionValueKrw, c.clickedAt, c.convertedAt, x.reversedAt,
       GREATEST(c.emittedAt, x.reversedAt + 1000 * LEAST(${LONGEST_EMISSION_DELAY_SECONDS},
         GREATEST(0, COALESCE(TIMESTAMPDIFF(SECOND, x.cancellationAppendedAt, CURRENT_TIMESTAMP), 0)))) AS emittedAt
FROM conversion AS c
JOIN cancellation AS x ON x.orderLineId = c.orderLineId
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
END
;
