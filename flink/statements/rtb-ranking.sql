-- QUESTION  Which ads stand at the top for each (placement, target), and with which score? Targets: '*' on HOME, the
--           ad's category on CATEGORY and PRODUCT_DETAIL, each keyword of the campaign on SEARCH.
-- RULE      rankScore = maxCpcKrw * predictedCtrPpm, in integers, exactly as domain/ranking.ts. Higher first, ties by
--           ad id. At most ${MAX_ADS_PER_ADVERTISER} ads of an advertiser per key; then the best ${RANKING_DEPTH}, or ${KEYWORD_RANKING_DEPTH} per keyword.
-- WINDOW    Click-through rate per (ad, placement) over 24 hours: 288 windows of 5 minutes. It moves when a window
--           with something in it closes; an ad that is not shown any more keeps the rate as of its last window, since
--           nobody sees it in the meantime. Bids, status, money state and parameters act at once.
-- REPEATS   An event id counts once within a window; clicks also across windows for 24 hours (a redelivered click is
--           decided, and so recorded, again).
-- STATE     One value per campaign ever published, with the counts of its ads; one entry per live (ad, placement, target);
--           facts of the open 5 minutes; 24 hours of valid clicks and of non-empty windows. No TTL: it would forget
--           campaigns that nobody touches. Parallelism 1 unless HOME, one key, is not the bottleneck: above it a
--           mini-batch of the last step may end between two rows of one change.
-- A line with nothing but ; ends a statement.

CREATE TEMPORARY FUNCTION SERVED_ADS AS 'cpcads.flink.served.ServedAds'
;

CREATE TEMPORARY FUNCTION SERVING_CAMPAIGN AS 'cpcads.flink.ranking.ServingCampaign'
;

CREATE TEMPORARY FUNCTION TOP_RANKED AS 'cpcads.flink.ranking.TopRanked'
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
SELECT rowtime AS factTime, campaignId, adId, placement,
       CAST(CASE slot ${SLOT_WEIGHT_CASES} ELSE ${LOWEST_SLOT_WEIGHT_MILLI} END AS BIGINT) AS weightMilli,
       CAST(0 AS BIGINT) AS click
FROM SERVED_ADS(records => TABLE served_record, on_time => DESCRIPTOR(eventTime), uid => 'served-ads')
WHERE adId IS NOT NULL AND placement IS NOT NULL
;

-- Valid clicks: of an event id the first of its window, and of those the first in 24 hours.
CREATE TEMPORARY VIEW click AS
SELECT factTime, campaignId, adId, placement, CAST(0 AS BIGINT) AS weightMilli, CAST(1 AS BIGINT) AS click
FROM (
  SELECT factTime, campaignId, adId, placement,
         COUNT(*) OVER (PARTITION BY eventId ORDER BY factTime
                        RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW) AS occurrence
  FROM (
    SELECT window_time AS factTime, eventId, campaignId, adId, placement,
           ROW_NUMBER() OVER (PARTITION BY window_start, window_end, eventId ORDER BY eventTime ASC) AS inWindow
    FROM TABLE(TUMBLE((
      SELECT eventTime, eventId, campaignId, adId, placement
      FROM ad_events
      WHERE `type` = 'AD_CLICK_DECIDED' AND valid AND eventId IS NOT NULL AND campaignId IS NOT NULL
        AND adId IS NOT NULL AND placement IS NOT NULL
    ), DESCRIPTOR(eventTime), INTERVAL '5' MINUTE))
  )
  WHERE inWindow = 1
)
WHERE occurrence = 1
;

CREATE TEMPORARY VIEW fact AS
SELECT factTime, campaignId, adId, placement, weightMilli, click FROM impression
UNION ALL
SELECT factTime, campaignId, adId, placement, weightMilli, click FROM click
;

CREATE TEMPORARY VIEW five_minutes AS
SELECT adId, placement, window_time AS windowTime, MAX(campaignId) AS campaignId, SUM(click) AS clicks,
       SUM(weightMilli) AS weightMilli
FROM TABLE(TUMBLE(TABLE fact, DESCRIPTOR(factTime), INTERVAL '5' MINUTE))
GROUP BY adId, placement, window_start, window_end, window_time
;

-- 23:55 before the running window and the window itself: 288 of them.
CREATE TEMPORARY VIEW last_day AS
SELECT campaignId, adId, placement, windowTime, SUM(clicks) OVER w AS clicks, SUM(weightMilli) OVER w AS weightMilli
FROM five_minutes
WINDOW w AS (PARTITION BY adId, placement ORDER BY windowTime
             RANGE BETWEEN INTERVAL '23:55' HOUR TO MINUTE PRECEDING AND CURRENT ROW)
;

-- All that is told of a campaign, in one stream: its versions and its money states (another writer, another version), and
-- each window's counts of its ads. Nothing here takes anything back.
CREATE TEMPORARY VIEW campaign_record AS
SELECT campaignId, `type`, `version`, advertiserId, status, ads, keywords, bids, targeting, startAt, endAt, stopped,
       CAST(NULL AS STRING) AS adId, CAST(NULL AS STRING) AS placement, CAST(NULL AS BIGINT) AS clicks,
       CAST(NULL AS BIGINT) AS weightMilli
FROM campaign_events
WHERE campaignId IS NOT NULL AND `version` IS NOT NULL
  AND ((`type` IN (${CAMPAIGN_EVENT_TYPES}) AND stopped IS NULL)
       OR (`type` = 'CAMPAIGN_SERVING_CHANGED' AND stopped IS NOT NULL))
UNION ALL
SELECT campaignId, CAST(NULL AS STRING), CAST(NULL AS BIGINT), CAST(NULL AS STRING), CAST(NULL AS STRING),
       CAST(NULL AS ARRAY<ROW<adId STRING, productId STRING, categoryId STRING>>), CAST(NULL AS ARRAY<STRING>),
       CAST(NULL AS ARRAY<ROW<placement STRING, maxCpcKrw BIGINT>>), CAST(NULL AS STRING), CAST(NULL AS BIGINT),
       CAST(NULL AS BIGINT), CAST(NULL AS BOOLEAN), adId, placement, clicks, weightMilli
FROM last_day
;

-- From one whole campaign to the next: NULL while it may not serve.
CREATE TEMPORARY VIEW serving_campaign AS
SELECT campaignId, SERVING_CAMPAIGN('${HOME_TARGET}', `type`, `version`, advertiserId, status, ads, keywords, bids,
                                    targeting, startAt, endAt, stopped, adId, placement, clicks, weightMilli) AS campaign
FROM campaign_record
GROUP BY campaignId
;

-- With the parameters, or the defaults as long as nobody has published any.
CREATE TEMPORARY VIEW weighed_campaign AS
SELECT c.campaignId, c.campaign,
       COALESCE(p.`version`, ${DEFAULT_PARAMETERS_VERSION}) AS parametersVersion,
       COALESCE(p.priorClicksMilli, ${DEFAULT_PRIOR_CLICKS_MILLI}) AS priorClicksMilli,
       COALESCE(p.priorImpressionsMilli, ${DEFAULT_PRIOR_IMPRESSIONS_MILLI}) AS priorImpressionsMilli,
       COALESCE(p.bidFloorKrw, ${DEFAULT_BID_FLOOR_KRW}) AS bidFloorKrw
FROM (SELECT *, 1 AS joinKey FROM serving_campaign WHERE campaign IS NOT NULL) AS c
LEFT JOIN parameters AS p ON p.joinKey = c.joinKey
;

CREATE TEMPORARY VIEW candidate AS
SELECT c.campaignId, c.campaign.advertiserId AS advertiserId, c.campaign.`version` AS campaignVersion,
       c.campaign.targeting AS targeting, c.campaign.startAt AS startAt, c.campaign.endAt AS endAt,
       c.parametersVersion, c.bidFloorKrw, a.adId, a.productId, a.placement, a.target, a.maxCpcKrw,
       LEAST(${MAX_CTR_PPM}, (a.clicks * 1000 + c.priorClicksMilli) * 1000000
                             / (a.weightMilli + c.priorImpressionsMilli)) AS predictedCtrPpm
FROM weighed_campaign AS c
CROSS JOIN UNNEST(c.campaign.candidates) AS a (adId, productId, placement, target, maxCpcKrw, clicks, weightMilli)
WHERE a.maxCpcKrw >= c.bidFloorKrw
;

-- NULL while entries of two versions of the parameters meet: the sink keeps what Redis has then.
CREATE TEMPORARY VIEW ranking AS
SELECT placement, target, TOP_RANKED(
         ${MAX_ADS_PER_ADVERTISER}, CASE placement WHEN 'SEARCH' THEN ${KEYWORD_RANKING_DEPTH} ELSE ${RANKING_DEPTH} END,
         adId, campaignId, advertiserId, productId, maxCpcKrw, predictedCtrPpm, maxCpcKrw * predictedCtrPpm,
         campaignVersion, parametersVersion, bidFloorKrw, startAt, endAt, targeting) AS entries
FROM candidate
GROUP BY placement, target
;

-- The newest version of each campaign, whatever order the versions came in.
CREATE TEMPORARY VIEW campaign_acknowledgement AS
SELECT campaignId, JSON_OBJECT('version' VALUE `version`, 'status' VALUE status) AS acknowledgement
FROM (
  SELECT campaignId, `version`, status,
         ROW_NUMBER() OVER (PARTITION BY campaignId ORDER BY `version` DESC) AS recency
  FROM campaign_events
  WHERE `type` IN (${CAMPAIGN_EVENT_TYPES}) AND campaignId IS NOT NULL AND `version` IS NOT NULL
)
WHERE recency = 1
;

EXECUTE STATEMENT SET BEGIN
INSERT INTO redis_ranking SELECT placement, target, entries FROM ranking;
INSERT INTO redis_campaign_acknowledged SELECT campaignId, acknowledgement FROM campaign_acknowledgement;
-- Every window's row in the order of its windows, so that the last one of a key is what SERVING_CAMPAIGN holds.
INSERT INTO ad_click_through SELECT adId, placement, campaignId, clicks, weightMilli FROM last_day;
END
;
