-- What became of every order line that the statement conversion-match-24h read: matched or not (counted per window), or
-- set aside with a reason. Written by Flink alone (role ads_flink), at least once: repetitions change nothing.

-- An order line belongs to the window of five minutes in which we recorded it. One row a window, so that its sum is
-- always of one run of the statement.
CREATE TABLE order_line_fate_5m (
  window_start_ms bigint NOT NULL,
  direct bigint NOT NULL,
  indirect bigint NOT NULL,
  unmatched bigint NOT NULL,
  order_lines bigint NOT NULL,
  conversion_value_krw bigint NOT NULL,
  rules_version integer NOT NULL,
  CONSTRAINT order_line_fate_5m_pkey PRIMARY KEY (window_start_ms),
  CONSTRAINT order_line_fate_5m_window CHECK (window_start_ms % 300000 = 0),
  CONSTRAINT order_line_fate_5m_counts CHECK (direct >= 0 AND indirect >= 0 AND unmatched >= 0
    AND order_lines = direct + indirect + unmatched AND order_lines > 0 AND conversion_value_krw >= 0)
);

-- The newest run counts, unless it saw less: the log of its first window may have been cut off by then.
CREATE FUNCTION order_line_fate_5m_never_fewer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.order_lines < OLD.order_lines THEN RETURN NULL; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER order_line_fate_5m_never_fewer BEFORE UPDATE ON order_line_fate_5m
  FOR EACH ROW EXECUTE FUNCTION order_line_fate_5m_never_fewer();

-- Records that the match took out of its way. Those with a place in the log become dead letters; a late click is only
-- counted here (its charge is the balance worker's, and nothing is left to do for it).
CREATE TABLE match_set_aside (
  id text NOT NULL,
  topic text NOT NULL,
  log_partition integer,
  log_offset bigint,
  record_key text,
  record_type text,
  record text NOT NULL,
  reason text NOT NULL,
  recorded_at_ms bigint,
  CONSTRAINT match_set_aside_pkey PRIMARY KEY (id),
  CONSTRAINT match_set_aside_place CHECK ((log_partition IS NULL) = (log_offset IS NULL))
);

-- The first cancellation of every order line, matched or not. `horizon_ms` is the rule by which Flink judged it.
CREATE TABLE order_line_cancellation (
  order_line_id text NOT NULL,
  cancelled_at_ms bigint NOT NULL,
  horizon_ms bigint NOT NULL,
  topic text NOT NULL,
  log_partition integer NOT NULL,
  log_offset bigint NOT NULL,
  record_key text NOT NULL,
  record text NOT NULL,
  reason_beyond text NOT NULL,
  CONSTRAINT order_line_cancellation_pkey PRIMARY KEY (order_line_id),
  CONSTRAINT order_line_cancellation_horizon CHECK (horizon_ms > 0)
);

CREATE FUNCTION first_row_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RETURN NULL;
END $$;
CREATE TRIGGER first_row_stands BEFORE UPDATE ON match_set_aside
  FOR EACH ROW EXECUTE FUNCTION first_row_stands();
CREATE TRIGGER first_row_stands BEFORE UPDATE ON order_line_cancellation
  FOR EACH ROW EXECUTE FUNCTION first_row_stands();

-- Flink may not write dead letters itself. The same record read again (another run, another reason) is the same letter.
CREATE FUNCTION match_set_aside_is_a_dead_letter() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO dead_letter (topic, partition, "offset", key, headers, value, reason, last_partition, last_offset)
  VALUES (NEW.topic, NEW.log_partition, NEW.log_offset, NEW.record_key,
    CASE WHEN NEW.record_type IS NULL THEN '{}' ELSE jsonb_build_object('type', NEW.record_type) END,
    convert_to(NEW.record, 'UTF8'), NEW.reason, NEW.log_partition, NEW.log_offset)
  ON CONFLICT (topic, partition, "offset") DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER match_set_aside_is_a_dead_letter AFTER INSERT ON match_set_aside
  FOR EACH ROW WHEN (NEW.log_offset IS NOT NULL) EXECUTE FUNCTION match_set_aside_is_a_dead_letter();

-- Flink forgets a match some time after the horizon, PostgreSQL never: a cancellation that finds its conversion here,
-- and not reversed, is beyond the horizon, or Flink had forgotten the match (after a long outage). SKIP LOCKED: who
-- holds the row is Flink's own reversal, and waiting for it could be a deadlock.
CREATE FUNCTION order_line_cancellation_is_noticed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  placed_at_ms bigint;
BEGIN
  SELECT converted_at_ms INTO placed_at_ms FROM conversion_result
  WHERE order_line_id = NEW.order_line_id AND reversed_at_ms IS NULL FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF NEW.cancelled_at_ms - placed_at_ms <= NEW.horizon_ms THEN
    UPDATE conversion_result SET reversed_at_ms = NEW.cancelled_at_ms WHERE order_line_id = NEW.order_line_id;
  ELSE
    INSERT INTO dead_letter (topic, partition, "offset", key, headers, value, reason, last_partition, last_offset)
    VALUES (NEW.topic, NEW.log_partition, NEW.log_offset, NEW.record_key, '{"type": "ORDER_LINE_CANCELLED"}',
      convert_to(NEW.record, 'UTF8'), NEW.reason_beyond, NEW.log_partition, NEW.log_offset)
    ON CONFLICT (topic, partition, "offset") DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER order_line_cancellation_is_noticed AFTER INSERT ON order_line_cancellation
  FOR EACH ROW EXECUTE FUNCTION order_line_cancellation_is_noticed();

GRANT SELECT, INSERT, UPDATE ON order_line_fate_5m, match_set_aside, order_line_cancellation TO ads_flink;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON order_line_fate_5m, match_set_aside, order_line_cancellation FROM ads_app;
