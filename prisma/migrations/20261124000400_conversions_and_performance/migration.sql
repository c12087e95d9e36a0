-- What the statements conversion-match-24h and performance-5m find out. Written by Flink alone (role ads_flink). Times
-- are epoch milliseconds: Flink's JDBC connector shifts timestamptz. Flink delivers at least once, and after a restart
-- also what it wrote before; the triggers below make every repetition harmless.

CREATE TABLE conversion_result (
  order_line_id text NOT NULL,
  click_id text NOT NULL,
  ad_id text NOT NULL,
  campaign_id text NOT NULL,
  advertiser_id text NOT NULL,
  placement text NOT NULL,
  product_id text NOT NULL,
  match text NOT NULL,
  quantity bigint NOT NULL,
  conversion_value_krw bigint NOT NULL,
  clicked_at_ms bigint NOT NULL,
  converted_at_ms bigint NOT NULL,
  reversed_at_ms bigint,
  rules_version integer NOT NULL,
  CONSTRAINT conversion_result_pkey PRIMARY KEY (order_line_id),
  CONSTRAINT conversion_result_placement CHECK (placement IN ('HOME', 'CATEGORY', 'PRODUCT_DETAIL', 'SEARCH')),
  CONSTRAINT conversion_result_match CHECK (match IN ('direct', 'indirect')),
  CONSTRAINT conversion_result_quantity CHECK (quantity > 0),
  CONSTRAINT conversion_result_value CHECK (conversion_value_krw >= 0),
  CONSTRAINT conversion_result_window CHECK (converted_at_ms - clicked_at_ms BETWEEN 0 AND 86400000)
);
CREATE INDEX conversion_result_click_id_idx ON conversion_result (click_id);
CREATE INDEX conversion_result_campaign_id_converted_at_ms_idx ON conversion_result (campaign_id, converted_at_ms);
CREATE INDEX conversion_result_advertiser_id_converted_at_ms_idx ON conversion_result (advertiser_id, converted_at_ms);

-- The first match of an order line stands, whatever a later run of the statement finds; it can be reversed, once.
CREATE FUNCTION conversion_result_stands() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  reversed_at bigint := NEW.reversed_at_ms;
BEGIN
  IF OLD.reversed_at_ms IS NOT NULL OR reversed_at IS NULL THEN RETURN NULL; END IF;
  NEW := OLD;
  NEW.reversed_at_ms := reversed_at;
  RETURN NEW;
END $$;
CREATE TRIGGER conversion_result_stands BEFORE UPDATE ON conversion_result
  FOR EACH ROW EXECUTE FUNCTION conversion_result_stands();

-- The newest result of each window of five minutes; `is_final` when the window is closed.
CREATE TABLE performance_5m (
  ad_id text NOT NULL,
  placement text NOT NULL,
  window_start_ms bigint NOT NULL,
  window_end_ms bigint NOT NULL,
  is_final boolean NOT NULL,
  campaign_id text NOT NULL,
  advertiser_id text,
  served_impressions bigint NOT NULL,
  viewed_impressions bigint NOT NULL,
  clicks bigint NOT NULL,
  conversions bigint NOT NULL,
  conversion_value_krw bigint NOT NULL,
  CONSTRAINT performance_5m_pkey PRIMARY KEY (ad_id, placement, window_start_ms),
  CONSTRAINT performance_5m_window CHECK (window_start_ms % 300000 = 0
    AND window_end_ms - window_start_ms BETWEEN 10000 AND 300000
    AND is_final = (window_end_ms - window_start_ms = 300000)),
  CONSTRAINT performance_5m_counts CHECK (served_impressions >= 0 AND viewed_impressions >= 0 AND clicks >= 0)
);
CREATE INDEX performance_5m_campaign_id_window_start_ms_idx ON performance_5m (campaign_id, window_start_ms);
CREATE INDEX performance_5m_advertiser_id_window_start_ms_idx ON performance_5m (advertiser_id, window_start_ms);
CREATE INDEX performance_5m_window_start_ms_idx ON performance_5m (window_start_ms);

-- Served and viewed ads do not name their advertiser, so the campaign does. Flink may not read campaigns itself.
CREATE FUNCTION performance_5m_advertiser() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  NEW.advertiser_id := (SELECT advertiser_id FROM campaign WHERE id = NEW.campaign_id);
  RETURN NEW;
END $$;
CREATE TRIGGER performance_5m_advertiser BEFORE INSERT ON performance_5m
  FOR EACH ROW EXECUTE FUNCTION performance_5m_advertiser();

-- A restarted statement writes early results again: an earlier one never replaces a later one, least of all a final one.
CREATE FUNCTION performance_5m_only_later() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.window_end_ms < OLD.window_end_ms THEN RETURN NULL; END IF;
  NEW.advertiser_id := coalesce(OLD.advertiser_id, NEW.advertiser_id);
  RETURN NEW;
END $$;
CREATE TRIGGER performance_5m_only_later BEFORE UPDATE ON performance_5m
  FOR EACH ROW EXECUTE FUNCTION performance_5m_only_later();

GRANT SELECT, INSERT, UPDATE ON conversion_result, performance_5m TO ads_flink;
REVOKE INSERT, UPDATE, DELETE ON conversion_result, performance_5m FROM ads_app;
