-- How a campaign spends its daily budget: as fast as it can, or evenly over its serving hours.
ALTER TABLE campaign ADD COLUMN pacing text NOT NULL DEFAULT 'asap'
  CONSTRAINT campaign_pacing CHECK (pacing IN ('asap', 'even'));
-- The budget monitor reads the evenly spending ones every ten seconds.
CREATE INDEX campaign_pacing_status_idx ON campaign (pacing, status);
