-- Watching money: what the budget monitor last saw of each advertiser and campaign, and what people asked to be told.

-- One row only where somebody changed the defaults (`domain/budget-alerts.ts`).
CREATE TABLE alert_settings (
  advertiser_id text NOT NULL,
  daily_budget_percents integer[] NOT NULL,
  total_budget_percents integer[] NOT NULL,
  low_balance_days integer,
  low_balance_krw bigint,
  updated_at timestamptz(3) NOT NULL,
  updated_by text NOT NULL,
  CONSTRAINT alert_settings_pkey PRIMARY KEY (advertiser_id),
  CONSTRAINT alert_settings_percents CHECK (1 <= ALL (daily_budget_percents) AND 100 >= ALL (daily_budget_percents)
    AND 1 <= ALL (total_budget_percents) AND 100 >= ALL (total_budget_percents)
    AND cardinality(daily_budget_percents) <= 10 AND cardinality(total_budget_percents) <= 10),
  CONSTRAINT alert_settings_one_low_balance CHECK (low_balance_days IS NULL OR low_balance_krw IS NULL),
  CONSTRAINT alert_settings_low_balance CHECK (low_balance_days BETWEEN 1 AND 30 AND low_balance_krw IS NULL
    OR low_balance_krw > 0 AND low_balance_days IS NULL OR low_balance_days IS NULL AND low_balance_krw IS NULL)
);

-- Written by the budget monitor only, never read by charging. `budget_version` and `stop_version` are those of the
-- rows that were looked at: where they differ from the rows of today, the monitor has to look again.
CREATE TABLE campaign_budget_state (
  campaign_id text NOT NULL,
  advertiser_id text NOT NULL,
  state text NOT NULL,
  business_date date NOT NULL,
  daily_budget_krw bigint NOT NULL,
  spent_today_krw bigint NOT NULL,
  remaining_today_krw bigint NOT NULL,
  total_budget_krw bigint,
  total_spent_krw bigint NOT NULL,
  runs_out_at timestamptz(3),
  -- The highest threshold that was told: today's daily one, and of this total budget.
  told_daily_percent integer NOT NULL DEFAULT 0,
  told_total_percent integer NOT NULL DEFAULT 0,
  budget_version bigint NOT NULL,
  stop_version bigint NOT NULL DEFAULT 0,
  version bigint NOT NULL DEFAULT 1,
  updated_at timestamptz(3) NOT NULL,
  CONSTRAINT campaign_budget_state_pkey PRIMARY KEY (campaign_id),
  CONSTRAINT campaign_budget_state_state CHECK (state IN ('serving', 'low', 'daily_exhausted', 'total_exhausted')),
  CONSTRAINT campaign_budget_state_amounts CHECK (daily_budget_krw > 0 AND spent_today_krw >= 0
    AND remaining_today_krw >= 0 AND total_spent_krw >= 0)
) WITH (fillfactor = 70);
CREATE INDEX campaign_budget_state_advertiser_id_idx ON campaign_budget_state (advertiser_id);

-- `episode` counts how often the balance has left the good level: an alert is told once per episode.
CREATE TABLE balance_state (
  advertiser_id text NOT NULL,
  level text NOT NULL,
  balance_krw bigint NOT NULL,
  threshold_krw bigint,
  episode bigint NOT NULL DEFAULT 0,
  auto_top_up text NOT NULL DEFAULT 'none',
  auto_top_up_signalled_at timestamptz(3),
  balance_version bigint,
  stop_version bigint NOT NULL DEFAULT 0,
  checked_date date NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  CONSTRAINT balance_state_pkey PRIMARY KEY (advertiser_id),
  CONSTRAINT balance_state_level CHECK (level IN ('good', 'low', 'exhausted')),
  CONSTRAINT balance_state_auto_top_up CHECK (auto_top_up IN ('none', 'due', 'signalled')),
  CONSTRAINT balance_state_amounts CHECK (balance_krw >= 0 AND (threshold_krw IS NULL OR threshold_krw >= 0))
) WITH (fillfactor = 70);
CREATE INDEX balance_state_auto_top_up_idx ON balance_state (auto_top_up);

-- A bounded change of a bid, for the seller to accept. The week is its Monday.
CREATE TABLE bid_proposal (
  id text NOT NULL,
  week date NOT NULL,
  advertiser_id text NOT NULL,
  campaign_id text NOT NULL,
  placement text NOT NULL,
  current_max_cpc_krw bigint NOT NULL,
  proposed_max_cpc_krw bigint NOT NULL,
  reason text NOT NULL,
  figures jsonb NOT NULL,
  status text NOT NULL DEFAULT 'open',
  created_at timestamptz(3) NOT NULL,
  decided_at timestamptz(3),
  decided_by text,
  CONSTRAINT bid_proposal_pkey PRIMARY KEY (id),
  CONSTRAINT bid_proposal_bounded CHECK (current_max_cpc_krw > 0 AND proposed_max_cpc_krw > 0
    AND proposed_max_cpc_krw <> current_max_cpc_krw
    AND abs(proposed_max_cpc_krw - current_max_cpc_krw) * 5 <= current_max_cpc_krw),
  CONSTRAINT bid_proposal_placement CHECK (placement IN ('HOME', 'CATEGORY', 'PRODUCT_DETAIL', 'SEARCH')),
  CONSTRAINT bid_proposal_status CHECK (status IN ('open', 'accepted', 'rejected', 'expired')),
  CONSTRAINT bid_proposal_decided CHECK ((status = 'open') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL))
);
CREATE UNIQUE INDEX bid_proposal_campaign_id_placement_week_key ON bid_proposal (campaign_id, placement, week);
CREATE INDEX bid_proposal_advertiser_id_id_idx ON bid_proposal (advertiser_id, id);

-- Ranking parameters that the numbers of a quarter suggest; an admin decides.
CREATE TABLE ranking_parameters_proposal (
  quarter text NOT NULL,
  base_version integer NOT NULL,
  prior_clicks_milli integer NOT NULL,
  prior_impressions_milli integer NOT NULL,
  bid_floor_krw integer NOT NULL,
  reason text NOT NULL,
  figures jsonb NOT NULL,
  status text NOT NULL DEFAULT 'open',
  published_version integer,
  created_at timestamptz(3) NOT NULL,
  decided_at timestamptz(3),
  decided_by text,
  CONSTRAINT ranking_parameters_proposal_pkey PRIMARY KEY (quarter),
  CONSTRAINT ranking_parameters_proposal_quarter CHECK (quarter ~ '^[0-9]{4}-Q[1-4]$'),
  CONSTRAINT ranking_parameters_proposal_amounts CHECK (prior_clicks_milli > 0 AND prior_impressions_milli > 0 AND bid_floor_krw > 0),
  CONSTRAINT ranking_parameters_proposal_status CHECK (status IN ('open', 'approved', 'rejected', 'expired')),
  CONSTRAINT ranking_parameters_proposal_decided CHECK ((status = 'open') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)
    AND (status = 'approved') = (published_version IS NOT NULL))
);
REVOKE DELETE ON alert_settings, campaign_budget_state, balance_state, bid_proposal, ranking_parameters_proposal FROM ads_app;
