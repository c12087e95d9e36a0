-- QUESTION  Which ads stand at the top for each (placement, target), and with which score? Targets: '*' on HOME, the
--           ad's category on CATEGORY and PRODUCT_DETAIL, each keyword of the campaign on SEARCH.
-- RULE      rankScore = maxCpcKrw * predictedCtrPpm, in integers, exactly as domain/ranking.ts. Higher first, ties by
--           ad id. At most ${MAX_ADS_PER_ADVERTISER} ads of an advertiser per key; then the best ${RANKING_DEPTH}, or ${KEYWORD_RANKING_DEPTH} per keyword.
-- WINDOW    Click-through rate per (ad, placement) over 24 hours: 288 windows of 5 minutes. It moves when a window
--           with something in it closes; an ad that is not shown any more keeps the rate as of its last window, since
--           nobody sees it in the meantime. Bids, status, money state and parameters act at once.
-- REPEATS   An event id counts once within a window; clicks also across windows for 24 hours (a redelivered click is
--           decided, and so recorded, again).
-- STATE     One row per campaign ever published; one per live (ad, placement, target); one per (ad, placement) ever
--           shown; facts of the open 5 minutes; 24 hours of valid clicks and of non-empty windows. No TTL: it would
--           forget campaigns that nobody touches. Parallelism: the whole state is keyed, HOME is one key.
-- A line with nothing but ; ends a statement.

CREATE TEMPORARY FUNCTION SERVED_ADS AS 'cpcads.flink.served.ServedAds'
;

CREATE TEMPORARY FUNCTION TOP_RANKED AS 'cpcads.flink.ranking.TopRanked'
;

-- The newest version of each campaign, whatever order the versions came in.
CREATE TEMPORARY VIEW campaign AS
SELECT campaignId, advertiserId, `version`, status, ads, keywords, bids, targeting, startAt, endAt
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY campaignId ORDER BY `version` DESC) AS recency
  FROM campaign_events
  WHERE `type` IN (${CAMPAIGN_EVENT_TYPES}) AND campaignId IS NOT NULL AND `version` IS NOT NULL
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
  FROM (SELECT *, 1 AS joinKey FROM campaign_events
        WHERE `type` = 'RANKING_PARAMETERS_CHANGED' AND `version` IS NOT NULL AND parameters.priorClicksMilli >= 0
          AND parameters.priorImpressionsMilli > 0 AND parameters.bidFloorKrw > 0)
)
WHERE recency = 1
;

-- What was served: of an event id the first record of its window.
CREATE TEMPORARY VIEW served_record AS
SELECT recordedAt, served, window_time AS eventTime
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, eventId ORDER BY eventTime ASC) AS occurrence
  FROM TABLE(TUMBLE((
    SELECT eventTime, recordedAt, eventId, served
    FROM ad_events
    WHERE `type` = 'ADS_SERVED' AND eventId IS NOT NULL
  ), DESCRIPTOR(eventTime), INTERVAL '5' MINUTE))
)
WHERE occurrence = 1
;

-- Impressions, weighted by how likely a shopper is to look at the slot.
CREATE TEMPORARY VIEW impression AS
SELECT rowtime AS factTime, adId, placement,
       CAST(CASE slot ${SLOT_WEIGHT_CASES} ELSE ${LOWEST_SLOT_WEIGHT_MILLI} END AS BIGINT) AS weightMilli,
       CAST(0 AS BIGINT) AS click
FROM SERVED_ADS(records => TABLE served_record, on_time => DESCRIPTOR(eventTime))
WHERE adId IS NOT NULL AND placement IS NOT NULL
;

-- Valid clicks: of an event id the first of its window, and of those the first in 24 hours.
CREATE TEMPORARY VIEW click AS
SELECT factTime, adId, placement, CAST(0 AS BIGINT) AS weightMilli, CAST(1 AS BIGINT) AS click
FROM (
  SELECT factTime, adId, placement,
         COUNT(*) OVER (PARTITION BY eventId ORDER BY factTime
                        RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW) AS occurrence
  FROM (
    SELECT window_time AS factTime, eventId, adId, placement,
           ROW_NUMBER() OVER (PARTITION BY window_start, window_end, eventId ORDER BY eventTime ASC) AS inWindow
    FROM TABLE(TUMBLE((
      SELECT eventTime, eventId, adId, placement
      FROM ad_events
      WHERE `type` = 'AD_CLICK_DECIDED' AND valid AND eventId IS NOT NULL AND adId IS NOT NULL AND placement IS NOT NULL
    ), DESCRIPTOR(eventTime), INTERVAL '5' MINUTE))
  )
  WHERE inWindow = 1
)
WHERE occurrence = 1
;

CREATE TEMPORARY VIEW fact AS
SELECT factTime, adId, placement, weightMilli, click FROM impression
UNION ALL
SELECT factTime, adId, placement, weightMilli, click FROM click
;

CREATE TEMPORARY VIEW five_minutes AS
SELECT adId, placement, window_time AS windowTime, SUM(click) AS clicks, SUM(weightMilli) AS weightMilli
FROM TABLE(TUMBLE(TABLE fact, DESCRIPTOR(factTime), INTERVAL '5' MINUTE))
GROUP BY adId, placement, window_start, window_end, window_time
;

-- 23:55 before the running window and the window itself: 288 of them.
CREATE TEMPORARY VIEW last_day AS
SELECT adId, placement, windowTime, SUM(clicks) OVER w AS clicks, SUM(weightMilli) OVER w AS weightMilli
FROM five_minutes
WINDOW w AS (PARTITION BY adId, placement ORDER BY windowTime
             RANGE BETWEEN INTERVAL '23:55' HOUR TO MINUTE PRECEDING AND CURRENT ROW)
;

CREATE TEMPORARY VIEW click_through AS
SELECT adId, placement, clicks, weightMilli
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY adId, placement ORDER BY windowTime DESC) AS recency FROM last_day)
WHERE recency = 1
;

-- Campaigns that may serve, with the parameters, or the defaults as long as nobody has published any: joined before a
-- campaign is taken apart, so that what follows a click-through rate does not pass here.
CREATE TEMPORARY VIEW serving_campaign AS
SELECT c.campaignId, c.advertiserId, c.`version`, c.ads, c.keywords, c.bids, c.targeting, c.startAt, c.endAt,
       COALESCE(p.`version`, ${DEFAULT_PARAMETERS_VERSION}) AS parametersVersion,
       COALESCE(p.priorClicksMilli, ${DEFAULT_PRIOR_CLICKS_MILLI}) AS priorClicksMilli,
       COALESCE(p.priorImpressionsMilli, ${DEFAULT_PRIOR_IMPRESSIONS_MILLI}) AS priorImpressionsMilli,
       COALESCE(p.bidFloorKrw, ${DEFAULT_BID_FLOOR_KRW}) AS bidFloorKrw
FROM (SELECT *, 1 AS joinKey FROM campaign
      WHERE status = 'enabled' AND advertiserId IS NOT NULL AND startAt IS NOT NULL AND endAt IS NOT NULL) AS c
LEFT JOIN money_state AS m ON m.campaignId = c.campaignId
LEFT JOIN parameters AS p ON p.joinKey = c.joinKey
WHERE m.stopped IS NOT TRUE
;

-- Every ad of them, per placement that it bids on.
CREATE TEMPORARY VIEW candidate AS
SELECT c.campaignId, c.advertiserId, c.`version` AS campaignVersion, c.targeting, c.startAt, c.endAt,
       c.parametersVersion, c.priorClicksMilli, c.priorImpressionsMilli, c.bidFloorKrw,
       a.adId, a.productId, b.placement, b.maxCpcKrw,
       CASE b.placement WHEN 'HOME' THEN ARRAY['${HOME_TARGET}']
                        WHEN 'SEARCH' THEN ARRAY_DISTINCT(c.keywords)
                        ELSE ARRAY[a.categoryId] END AS targets
FROM serving_campaign AS c
CROSS JOIN UNNEST(c.ads) AS a (adId, productId, categoryId)
CROSS JOIN UNNEST(c.bids) AS b (placement, maxCpcKrw)
WHERE b.maxCpcKrw >= c.bidFloorKrw AND b.placement IS NOT NULL AND a.adId IS NOT NULL AND a.productId IS NOT NULL
;

CREATE TEMPORARY VIEW predicted AS
SELECT c.*, LEAST(${MAX_CTR_PPM}, (COALESCE(t.clicks, 0) * 1000 + c.priorClicksMilli) * 1000000
                                  / (COALESCE(t.weightMilli, 0) + c.priorImpressionsMilli)) AS predictedCtrPpm
FROM candidate AS c
LEFT JOIN click_through AS t ON t.adId = c.adId AND t.placement = c.placement
;

-- NULL while entries of two versions of the parameters meet: the sink keeps what Redis has then.
CREATE TEMPORARY VIEW ranking AS
SELECT p.placement, t.target, TOP_RANKED(
         ${MAX_ADS_PER_ADVERTISER}, CASE p.placement WHEN 'SEARCH' THEN ${KEYWORD_RANKING_DEPTH} ELSE ${RANKING_DEPTH} END,
         p.adId, p.campaignId, p.advertiserId, p.productId, p.maxCpcKrw, p.predictedCtrPpm,
         p.maxCpcKrw * p.predictedCtrPpm, p.campaignVersion, p.parametersVersion, p.bidFloorKrw, p.startAt, p.endAt,
         p.targeting) AS entries
FROM predicted AS p
CROSS JOIN UNNEST(p.targets) AS t (target)
WHERE t.target IS NOT NULL
GROUP BY p.placement, t.target
;

CREATE TEMPORARY VIEW campaign_acknowledgement AS
SELECT campaignId, JSON_OBJECT('version' VALUE `version`, 'status' VALUE status) AS acknowledgement
FROM campaign
;

EXECUTE STATEMENT SET BEGIN
INSERT INTO redis_ranking SELECT placement, target, entries FROM ranking;
INSERT INTO redis_campaign_acknowledged SELECT campaignId, acknowledgement FROM campaign_acknowledgement;
-- Every window's row in the order of its windows, so that the last one of a key is what click_through holds: this sink
-- takes no deletes, which the planner expects of a rank.
INSERT INTO ad_click_through SELECT adId, placement, clicks, weightMilli FROM last_day;
END
;
