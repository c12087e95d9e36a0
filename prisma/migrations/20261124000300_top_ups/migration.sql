-- Top-ups: what was ordered, how it was paid, and how often its money came and went. The money itself is in the
-- ledger (`top-up:<id>`, `top-up-reversal:<id>`); credits and reversals say how many such postings there are.
CREATE TABLE top_up (
  id text NOT NULL,
  advertiser_id text NOT NULL,
  method text NOT NULL,
  amount_krw bigint NOT NULL,
  status text NOT NULL,
  requested_by text NOT NULL,
  payment_key text,
  bank_code text,
  account_number text,
  account_holder text,
  -- Real time, as the payment provider counts it.
  due_at timestamptz(3),
  card_issuer text,
  masked_card text,
  failure_code text,
  failure_message text,
  credits integer NOT NULL DEFAULT 0,
  reversals integer NOT NULL DEFAULT 0,
  -- Real time: until then the payment may come. A payment that comes later is credited all the same.
  expires_at timestamptz(3) NOT NULL,
  workflow_started_at timestamptz(3),
  created_at timestamptz(3) NOT NULL,
  credited_at timestamptz(3),
  reversed_at timestamptz(3),
  updated_at timestamptz(3) NOT NULL,
  CONSTRAINT top_up_pkey PRIMARY KEY (id),
  CONSTRAINT top_up_method CHECK (method IN ('card', 'virtual_account', 'billing')),
  CONSTRAINT top_up_status CHECK (status IN ('pending', 'waiting_for_deposit', 'charging', 'credited', 'expired',
    'failed', 'reversed')),
  CONSTRAINT top_up_amount CHECK (amount_krw > 0),
  CONSTRAINT top_up_credits CHECK (reversals >= 0 AND credits = reversals + (status = 'credited')::integer),
  CONSTRAINT top_up_credited CHECK ((credits > 0) = (credited_at IS NOT NULL)),
  CONSTRAINT top_up_reversed CHECK ((reversals > 0) = (reversed_at IS NOT NULL)),
  CONSTRAINT top_up_failed CHECK (status <> 'failed' OR failure_code IS NOT NULL)
);
CREATE UNIQUE INDEX top_up_payment_key_key ON top_up (payment_key);
CREATE INDEX top_up_advertiser_id_created_at_idx ON top_up (advertiser_id, created_at);
CREATE INDEX top_up_status_created_at_idx ON top_up (status, created_at);

-- The order stays as it was placed, whoever writes the rest.
CREATE FUNCTION top_up_order_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.advertiser_id, NEW.method, NEW.amount_krw, NEW.requested_by, NEW.created_at)
     IS DISTINCT FROM (OLD.id, OLD.advertiser_id, OLD.method, OLD.amount_krw, OLD.requested_by, OLD.created_at)
     OR NEW.credits < OLD.credits OR NEW.reversals < OLD.reversals THEN
    RAISE EXCEPTION 'the order of a top-up does not change' USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER top_up_order_is_fixed BEFORE UPDATE ON top_up
  FOR EACH ROW EXECUTE FUNCTION top_up_order_is_fixed();

-- What an advertiser owes because money that was already spent was taken back: a projection of the ledger account
-- `receivable`, written under the lock of advertiser_balance.
CREATE TABLE advertiser_receivable (
  advertiser_id text NOT NULL,
  owed_krw bigint NOT NULL DEFAULT 0,
  updated_at timestamptz(3) NOT NULL,
  CONSTRAINT advertiser_receivable_pkey PRIMARY KEY (advertiser_id),
  CONSTRAINT advertiser_receivable_not_negative CHECK (owed_krw >= 0)
);

-- Cards that may be charged without their owner. The billing key is sealed (AES-256-GCM) before it comes here.
CREATE TABLE billing_method (
  id text NOT NULL,
  advertiser_id text NOT NULL,
  customer_key text NOT NULL,
  sealed_billing_key text,
  card_issuer text NOT NULL,
  masked_card text NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz(3) NOT NULL,
  removed_at timestamptz(3),
  CONSTRAINT billing_method_pkey PRIMARY KEY (id),
  CONSTRAINT billing_method_key_until_removed CHECK ((sealed_billing_key IS NULL) = (removed_at IS NOT NULL))
);
CREATE INDEX billing_method_advertiser_id_created_at_idx ON billing_method (advertiser_id, created_at);

CREATE TABLE auto_top_up (
  advertiser_id text NOT NULL,
  enabled boolean NOT NULL,
  threshold_krw bigint NOT NULL,
  amount_krw bigint NOT NULL,
  monthly_cap_krw bigint NOT NULL,
  cooldown_minutes integer NOT NULL,
  consecutive_failures integer NOT NULL DEFAULT 0,
  -- Why it is off although nobody switched it off.
  disabled_reason text,
  last_attempt_at timestamptz(3),
  updated_by text NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  CONSTRAINT auto_top_up_pkey PRIMARY KEY (advertiser_id),
  CONSTRAINT auto_top_up_amounts CHECK (threshold_krw > 0 AND amount_krw > 0 AND monthly_cap_krw >= amount_krw),
  CONSTRAINT auto_top_up_cooldown CHECK (cooldown_minutes > 0),
  CONSTRAINT auto_top_up_disabled CHECK (disabled_reason IS NULL OR NOT enabled)
);
CREATE INDEX auto_top_up_enabled_idx ON auto_top_up (enabled);

-- Webhooks that were acted upon: the provider repeats them.
CREATE TABLE payment_webhook (
  webhook_id text NOT NULL,
  event_type text NOT NULL,
  order_id text,
  received_at timestamptz(3) NOT NULL,
  CONSTRAINT payment_webhook_pkey PRIMARY KEY (webhook_id)
);

-- Serving stands still while an advertiser owes money.
ALTER TABLE serving_stop DROP CONSTRAINT serving_stop_reason;
ALTER TABLE serving_stop ADD CONSTRAINT serving_stop_reason CHECK (reason IN ('daily_budget_exhausted',
  'total_budget_exhausted', 'balance_exhausted', 'paused', 'payment_reversed', 'none') AND stopped = (reason <> 'none'));

REVOKE DELETE ON top_up, advertiser_receivable, billing_method, auto_top_up, payment_webhook FROM ads_app;
REVOKE UPDATE ON payment_webhook FROM ads_app;
