-- Dead letters: what became of a record that was set aside. A record that is appended again names its dead letter in
-- a header; when it fails once more it raises `failures` here (and moves the last place in the log) instead of adding
-- a row, so that a letter that is replayed for ever stays one letter.
ALTER TABLE dead_letter
  ADD COLUMN failures integer NOT NULL DEFAULT 1,
  ADD COLUMN last_partition integer,
  ADD COLUMN last_offset bigint,
  ADD COLUMN failed_at timestamptz(3) NOT NULL DEFAULT now(),
  ADD COLUMN replays integer NOT NULL DEFAULT 0,
  ADD COLUMN replayed_at timestamptz(3),
  ADD COLUMN replayed_by text,
  ADD COLUMN resolved_by text,
  ADD COLUMN resolution text,
  ADD CONSTRAINT dead_letter_counts CHECK (failures >= 1 AND replays >= 0),
  ADD CONSTRAINT dead_letter_replay CHECK ((replays > 0) = (replayed_at IS NOT NULL) AND (replays > 0) = (replayed_by IS NOT NULL)),
  ADD CONSTRAINT dead_letter_resolution CHECK (resolution IS NULL OR (resolved_at IS NOT NULL AND resolved_by IS NOT NULL));
UPDATE dead_letter SET last_partition = partition, last_offset = "offset", failed_at = created_at;
-- Unresolved ones are asked for at every close of a day and by the status page.
CREATE INDEX dead_letter_resolved_at_id_idx ON dead_letter (resolved_at, id);

-- What a record holds never changes, and a resolved letter stays resolved: its click has an outcome, or a person has
-- said why it needs none.
CREATE FUNCTION dead_letter_keeps_its_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.topic, NEW.partition, NEW."offset", NEW.key, NEW.headers, NEW.value, NEW.created_at)
    IS DISTINCT FROM (OLD.id, OLD.topic, OLD.partition, OLD."offset", OLD.key, OLD.headers, OLD.value, OLD.created_at) THEN
    RAISE EXCEPTION 'the record of a dead letter never changes' USING ERRCODE = '23001';
  END IF;
  IF OLD.resolved_at IS NOT NULL AND NEW.resolved_at IS NULL THEN
    RAISE EXCEPTION 'a resolved dead letter stays resolved' USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keeps_its_record BEFORE UPDATE ON dead_letter FOR EACH ROW EXECUTE FUNCTION dead_letter_keeps_its_record();

-- Late findings: clicks that were charged and are found invalid afterwards. The clicks of a finding are frozen when it
-- is made, so that what an admin confirms is what they saw; each is taken back at most once, whoever finds it.
CREATE TABLE invalid_click_finding (
  id text NOT NULL,
  idempotency_key text NOT NULL,
  rule text NOT NULL,
  -- What was looked for: hashes, ids, times and limits; never an address.
  criteria jsonb NOT NULL,
  note text NOT NULL,
  status text NOT NULL DEFAULT 'waiting',
  clicks integer NOT NULL,
  advertisers integer NOT NULL,
  cash_krw bigint NOT NULL,
  promo_krw bigint NOT NULL,
  created_at timestamptz(3) NOT NULL,
  created_by text NOT NULL,
  decided_at timestamptz(3),
  decided_by text,
  workflow_started_at timestamptz(3),
  finished_at timestamptz(3),
  CONSTRAINT invalid_click_finding_pkey PRIMARY KEY (id),
  CONSTRAINT invalid_click_finding_rule CHECK (rule IN ('device_burst_late', 'bot_list_late', 'manual')),
  CONSTRAINT invalid_click_finding_status CHECK (status IN ('waiting', 'reversing', 'completed', 'withdrawn', 'expired')),
  CONSTRAINT invalid_click_finding_amounts CHECK (clicks > 0 AND advertisers > 0 AND cash_krw >= 0 AND promo_krw >= 0
    AND cash_krw + promo_krw > 0),
  CONSTRAINT invalid_click_finding_decision CHECK ((status = 'waiting') = (decided_at IS NULL)
    AND (decided_at IS NULL) = (decided_by IS NULL)),
  CONSTRAINT invalid_click_finding_end CHECK ((status IN ('waiting', 'reversing')) = (finished_at IS NULL))
);
CREATE UNIQUE INDEX invalid_click_finding_idempotency_key_key ON invalid_click_finding (idempotency_key);
CREATE INDEX invalid_click_finding_created_at_id_idx ON invalid_click_finding (created_at, id);

CREATE TABLE invalid_click_finding_click (
  finding_id text NOT NULL,
  advertiser_id text NOT NULL,
  click_id uuid NOT NULL,
  campaign_id text NOT NULL,
  charge_booked_date date NOT NULL,
  cash_krw bigint NOT NULL,
  promo_krw bigint NOT NULL,
  -- `already_reversed`: another finding or an appeal was faster; nothing moved for this one.
  state text NOT NULL DEFAULT 'pending',
  reversed_at timestamptz(3),
  CONSTRAINT invalid_click_finding_click_pkey PRIMARY KEY (finding_id, advertiser_id, click_id),
  CONSTRAINT invalid_click_finding_click_state CHECK (state IN ('pending', 'reversed', 'already_reversed')),
  CONSTRAINT invalid_click_finding_click_reversal CHECK ((state = 'pending') = (reversed_at IS NULL)),
  CONSTRAINT invalid_click_finding_click_amounts CHECK (cash_krw >= 0 AND promo_krw >= 0 AND cash_krw + promo_krw > 0),
  CONSTRAINT invalid_click_finding_click_finding_id_fkey FOREIGN KEY (finding_id)
    REFERENCES invalid_click_finding (id) ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE UNIQUE INDEX invalid_click_finding_click_finding_id_click_id_key ON invalid_click_finding_click (finding_id, click_id);

-- The evidence of a reversal stays: what was found is never rewritten, only how far it is carried out.
CREATE FUNCTION invalid_click_finding_keeps_its_clicks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'pending' AND NEW IS DISTINCT FROM OLD
    OR (NEW.finding_id, NEW.advertiser_id, NEW.click_id, NEW.campaign_id, NEW.charge_booked_date, NEW.cash_krw, NEW.promo_krw)
      IS DISTINCT FROM (OLD.finding_id, OLD.advertiser_id, OLD.click_id, OLD.campaign_id, OLD.charge_booked_date, OLD.cash_krw,
        OLD.promo_krw) THEN
    RAISE EXCEPTION 'a click of a finding never changes' USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keeps_its_clicks BEFORE UPDATE ON invalid_click_finding_click
  FOR EACH ROW EXECUTE FUNCTION invalid_click_finding_keeps_its_clicks();
REVOKE DELETE, TRUNCATE ON invalid_click_finding, invalid_click_finding_click FROM ads_app;
