-- QUESTION  Which ads stand at the top for each (placement, target), and with which score? Targets: '*' on HOME, the
--           ad's category on CATEGORY and PRODUCT_DETAIL, each keyword of the campaign on SEARCH.
-- RULE      rankScore = maxCpcKrw * predictedCtrPpm, in integers, exactly as domain/ranking.ts. Higher first, ties by
--           ad id. At most ${MAX_ADS_PER_ADVERTISER} ads of an advertiser per key; then the best ${RANKING_DEPTH}, or ${KEYWORD_RANKING_DEPTH} per keyword.
-- WINDOW    Click-through rate per (ad, placement) over 24 hours: 288 windows of 5 minutes. It moves when a window
--           with something in it closes; an ad that is not shown any more keeps the rate as of its last window, since
--           nobody sees it in the meantime. Bids, status, money state and parameters act at once.
-- REPEATS   An impression counts once per request and ad, a click once per event id: within a window by grouping,
--           clicks also across windows for 24 hours (a redelivered click is decided, and so recorded, again).
-- STATE     One row per campaign ever published; one per live (ad, placement, target); one per (ad, placement) ever
--           shown; facts of the open 5 minutes; 24 hours of valid clicks and of non-empty windows. No TTL: it would
--           forget campaigns that nobody touches. Parallelism: the whole state is keyed, HOME is one key.
-- A line with nothing but ; ends a statement.

-- The newest version of each campaign, whatever order the versions came in.
CREATE TEMPORARY VIEW campaign AS
SELECT campaignId, advertiserId, `version`, status, ads, keywords, bids, targeting, startAt, endAt
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY campaignId ORDER BY `version` DESC) AS recency
  FROM campaign_events
  WHERE `type` IN (${CAMPAIGN_EVENT_TYPES})
)
WHERE recency = 1
;

-- Stopped or resumed by money: another writer, so another version.
CREATE TEMPORARY VIEW money_state AS
SELECT campaignId, stopped
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY campaignId ORDER BY `version` DESC) AS recency
  FROM campaign_events
  WHERE `type` = 'CAMPAIGN_SERVING_CHANGED'
)
WHERE recency = 1
;

-- The newest parameters: one row, or none as long as the defaults hold. `joinKey` is what everything joins it by.
CREATE TEMPORARY VIEW parameters AS
SELECT joinKey, `version`, parameters.priorClicksMilli AS priorClicksMilli,
       parameters.priorImpressionsMilli AS priorImpressionsMilli, parameters.bidFloorKrw AS bidFloorKrw
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY joinKey ORDER BY `version` DESC) AS recency
  FROM (SELECT *, 1 AS joinKey FROM campaign_events WHERE `type` = 'RANKING_PARAMETERS_CHANGED')
)
WHERE recency = 1
;

-- Impressions, each once, weighted by how likely a shopper is to look at the slot.
CREATE TEMPORARY VIEW impression AS
SELECT window_time AS factTime, adId, placement, weightMilli, CAST(0 AS BIGINT) AS click
FROM (
  SELECT window_start, window_end, window_time, requestId, adId, placement, MAX(weightMilli) AS weightMilli
  FROM TABLE(TUMBLE((
    SELECT e.eventTime, s.requestId, a.adId, s.placement,
           CAST(CASE a.slot ${SLOT_WEIGHT_CASES} ELSE ${LOWEST_SLOT_WEIGHT_MILLI} END AS BIGINT) AS weightMilli
    FROM ad_events AS e
    CROSS JOIN UNNEST(e.served) AS s (requestId, placement, ads)
    CROSS JOIN UNNEST(s.ads) AS a (slot, adId, campaignId)
    WHERE e.`type` = 'ADS_SERVED'
  ), DESCRIPTOR(eventTime), INTERVAL '5' MINUTE))
  GROUP BY window_start, window_end, window_time, requestId, adId, placement
)
;

-- Valid clicks, each once: the first of its event id in 24 hours.
CREATE TEMPORARY VIEW click AS
SELECT factTime, adId, placement, CAST(0 AS BIGINT) AS weightMilli, CAST(1 AS BIGINT) AS click
FROM (
  SELECT window_time AS factTime, adId, placement,
         COUNT(*) OVER (PARTITION BY eventId ORDER BY window_time
                        RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW) AS occurrence
  FROM (
    SELECT window_start, window_end, window_time, eventId, adId, placement
    FROM TABLE(TUMBLE((
      SELECT eventTime, eventId, adId, placement
      FROM ad_events
      WHERE `type` = 'AD_CLICK_DECIDED' AND valid
    ), DESCRIPTOR(eventTime), INTERVAL '5' MINUTE))
    GROUP BY window_start, window_end, window_time, eventId, adId, placement
  )
)
WHERE occurrence = 1
;

CREATE TEMPORARY VIEW fact AS
SELECT factTime, adId, placement, weightMilli, click FROM impression
UNION ALL
SELECT factTime, adId, placement, weightMilli, click FROM click
;

CREATE TEMPORARY VIEW five_minutes AS
SELECT adId, placement, window_time AS windowTime, SUM(weightMilli) AS weightMilli, SUM(click) AS clicks
FROM TABLE(TUMBLE(TABLE fact, DESCRIPTOR(factTime), INTERVAL '5' MINUTE))
GROUP BY adId, placement, window_start, window_end, window_time
;

-- 23:55 before the running window and the window itself: 288 of them.
CREATE TEMPORARY VIEW last_day AS
SELECT adId, placement, windowTime, SUM(weightMilli) OVER w AS weightMilli, SUM(clicks) OVER w AS clicks
FROM five_minutes
WINDOW w AS (PARTITION BY adId, placement ORDER BY windowTime
             RANGE BETWEEN INTERVAL '23:55' HOUR TO MINUTE PRECEDING AND CURRENT ROW)
;

CREATE TEMPORARY VIEW click_through AS
SELECT adId, placement, weightMilli, clicks
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY adId, placement ORDER BY windowTime DESC) AS recency FROM last_day)
WHERE recency = 1
;

-- Every ad of every campaign that may serve, per placement that it bids on.
CREATE TEMPORARY VIEW candidate AS
SELECT c.campaignId, c.advertiserId, c.`version` AS campaignVersion, c.targeting, c.startAt, c.endAt,
       a.adId, a.productId, b.placement, b.maxCpcKrw, 1 AS joinKey,
       CASE b.placement WHEN 'HOME' THEN ARRAY['${HOME_TARGET}']
                        WHEN 'SEARCH' THEN ARRAY_DISTINCT(c.keywords)
                        ELSE ARRAY[a.categoryId] END AS targets
FROM campaign AS c
LEFT JOIN money_state AS m ON m.campaignId = c.campaignId
CROSS JOIN UNNEST(c.ads) AS a (adId, productId, categoryId)
CROSS JOIN UNNEST(c.bids) AS b (placement, maxCpcKrw)
WHERE c.status = 'enabled' AND m.stopped IS NOT TRUE
;

-- What the score is made of, with the defaults as long as nobody has published parameters.
CREATE TEMPORARY VIEW weighed AS
SELECT c.campaignId, c.advertiserId, c.campaignVersion, c.targeting, c.startAt, c.endAt, c.adId, c.productId, c.placement,
       c.maxCpcKrw, c.targets,
       COALESCE(t.clicks, 0) AS clicks,
       COALESCE(t.weightMilli, 0) AS weightMilli,
       COALESCE(p.`version`, ${DEFAULT_PARAMETERS_VERSION}) AS parametersVersion,
       COALESCE(p.priorClicksMilli, ${DEFAULT_PRIOR_CLICKS_MILLI}) AS priorClicksMilli,
       COALESCE(p.priorImpressionsMilli, ${DEFAULT_PRIOR_IMPRESSIONS_MILLI}) AS priorImpressionsMilli,
       COALESCE(p.bidFloorKrw, ${DEFAULT_BID_FLOOR_KRW}) AS bidFloorKrw
FROM candidate AS c
LEFT JOIN click_through AS t ON t.adId = c.adId AND t.placement = c.placement
LEFT JOIN parameters AS p ON p.joinKey = c.joinKey
;

CREATE TEMPORARY VIEW predicted AS
SELECT *, LEAST(${MAX_CTR_PPM}, (clicks * 1000 + priorClicksMilli) * 1000000 / (weightMilli + priorImpressionsMilli))
            AS predictedCtrPpm
FROM weighed
WHERE maxCpcKrw >= bidFloorKrw
;

CREATE TEMPORARY VIEW scored AS
SELECT p.placement, t.target, p.adId, p.campaignId, p.advertiserId, p.productId, p.maxCpcKrw, p.predictedCtrPpm,
       p.maxCpcKrw * p.predictedCtrPpm AS rankScore, p.campaignVersion, p.parametersVersion, p.bidFloorKrw,
       p.targeting, p.startAt, p.endAt
FROM predicted AS p
CROSS JOIN UNNEST(p.targets) AS t (target)
;

-- Rank numbers are used and not selected: otherwise one new best ad would change every row below it.
CREATE TEMPORARY VIEW limited_per_advertiser AS
SELECT placement, target, adId, campaignId, advertiserId, productId, maxCpcKrw, predictedCtrPpm, rankScore,
       campaignVersion, parametersVersion, bidFloorKrw, targeting, startAt, endAt
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY placement, target, advertiserId ORDER BY rankScore DESC, adId ASC) AS place
  FROM scored
)
WHERE place <= ${MAX_ADS_PER_ADVERTISER}
;

CREATE TEMPORARY VIEW ranked AS
SELECT placement, target, adId, campaignId, advertiserId, productId, maxCpcKrw, predictedCtrPpm, rankScore,
       campaignVersion, parametersVersion, bidFloorKrw, targeting, startAt, endAt
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY placement, target ORDER BY rankScore DESC, adId ASC) AS place
  FROM limited_per_advertiser
)
WHERE place <= ${RANKING_DEPTH}
;

-- One text per ad that sorts best first: the complement of the score (2^53 - 1 minus it, fixed width), then the ad
-- id, then, behind a control character that JSON text cannot hold, the entry.
CREATE TEMPORARY VIEW ranking_texts AS
SELECT placement, target, ARRAY_SORT(ARRAY_AGG(
         CHR(2) || LPAD(CAST(9007199254740991 - rankScore AS STRING), 16, '0') || adId || CHR(1) ||
         JSON_OBJECT('adId' VALUE adId, 'campaignId' VALUE campaignId, 'advertiserId' VALUE advertiserId,
                     'productId' VALUE productId, 'maxCpcKrw' VALUE maxCpcKrw,
                     'predictedCtrPpm' VALUE predictedCtrPpm, 'rankScore' VALUE rankScore,
                     'campaignVersion' VALUE campaignVersion, 'parametersVersion' VALUE parametersVersion,
                     'bidFloorKrw' VALUE bidFloorKrw, 'startAt' VALUE startAt, 'endAt' VALUE endAt,
                     'targeting' VALUE targeting ABSENT ON NULL)
       )) AS texts
FROM ranked
GROUP BY placement, target
;

-- The sort keys are cut out again.
CREATE TEMPORARY VIEW ranking AS
SELECT placement, target,
       '[' || REGEXP_REPLACE(
         ARRAY_JOIN(ARRAY_SLICE(texts, 1, CASE placement WHEN 'SEARCH' THEN ${KEYWORD_RANKING_DEPTH} ELSE ${RANKING_DEPTH} END), ','),
         '\x02[^\x01]*\x01', '') || ']' AS entries
FROM ranking_texts
;

CREATE TEMPORARY VIEW campaign_acknowledgement AS
SELECT campaignId, JSON_OBJECT('version' VALUE `version`, 'status' VALUE status) AS acknowledgement
FROM campaign
;

EXECUTE STATEMENT SET BEGIN
INSERT INTO redis_ranking SELECT placement, target, entries FROM ranking;
INSERT INTO redis_campaign_acknowledged SELECT campaignId, acknowledgement FROM campaign_acknowledgement;
END
;
