-- Settlement of days and months, and the tax invoices of a month. What was settled or put on a document never changes.

-- A day is settled from the clicks that were booked on it; a later run of the same day must give the same lines.
CREATE TABLE settlement_run (
  id text NOT NULL,
  business_date date NOT NULL,
  run_no integer NOT NULL,
  status text NOT NULL,
  requested_by text NOT NULL,
  started_at timestamptz(3) NOT NULL,
  finished_at timestamptz(3),
  lines_hash text,
  line_count integer,
  charged_krw bigint,
  reversed_krw bigint,
  differences jsonb,
  CONSTRAINT settlement_run_pkey PRIMARY KEY (id),
  CONSTRAINT settlement_run_status CHECK (status IN ('running', 'completed', 'failed')),
  CONSTRAINT settlement_run_no CHECK (run_no > 0),
  CONSTRAINT settlement_run_end CHECK ((status = 'running') = (finished_at IS NULL)),
  CONSTRAINT settlement_run_completed CHECK (status <> 'completed' OR (lines_hash IS NOT NULL AND line_count IS NOT NULL
    AND charged_krw IS NOT NULL AND reversed_krw IS NOT NULL AND differences IS NULL)),
  CONSTRAINT settlement_run_failed CHECK ((status = 'failed') = (differences IS NOT NULL))
);
CREATE UNIQUE INDEX settlement_run_business_date_run_no_key ON settlement_run (business_date, run_no);

CREATE TABLE settlement_line (
  business_date date NOT NULL,
  run_no integer NOT NULL,
  advertiser_id text NOT NULL,
  campaign_id text NOT NULL,
  charged_clicks bigint NOT NULL,
  charged_cash_krw bigint NOT NULL,
  charged_promo_krw bigint NOT NULL,
  reversed_clicks bigint NOT NULL,
  reversed_cash_krw bigint NOT NULL,
  reversed_promo_krw bigint NOT NULL,
  over_delivery_clicks bigint NOT NULL,
  over_delivery_krw bigint NOT NULL,
  CONSTRAINT settlement_line_pkey PRIMARY KEY (business_date, run_no, advertiser_id, campaign_id),
  CONSTRAINT settlement_line_not_negative CHECK (charged_clicks >= 0 AND charged_cash_krw >= 0 AND charged_promo_krw >= 0
    AND reversed_clicks >= 0 AND reversed_cash_krw >= 0 AND reversed_promo_krw >= 0
    AND over_delivery_clicks >= 0 AND over_delivery_krw >= 0)
);
CREATE INDEX settlement_line_advertiser_id_business_date_idx ON settlement_line (advertiser_id, business_date);

-- What the wallet did on a day, by cause; signed as the wallet sees it, so that opening + movements = closing.
CREATE TABLE settlement_statement (
  business_date date NOT NULL,
  run_no integer NOT NULL,
  advertiser_id text NOT NULL,
  opening_cash_krw bigint NOT NULL,
  opening_promo_krw bigint NOT NULL,
  top_up_krw bigint NOT NULL,
  spend_cash_krw bigint NOT NULL,
  spend_promo_krw bigint NOT NULL,
  reversed_cash_krw bigint NOT NULL,
  reversed_promo_krw bigint NOT NULL,
  refund_krw bigint NOT NULL,
  promo_granted_krw bigint NOT NULL,
  promo_expired_krw bigint NOT NULL,
  adjustment_cash_krw bigint NOT NULL,
  adjustment_promo_krw bigint NOT NULL,
  closing_cash_krw bigint NOT NULL,
  closing_promo_krw bigint NOT NULL,
  CONSTRAINT settlement_statement_pkey PRIMARY KEY (business_date, run_no, advertiser_id),
  CONSTRAINT settlement_statement_cash CHECK (closing_cash_krw = opening_cash_krw + top_up_krw + spend_cash_krw
    + reversed_cash_krw + refund_krw + adjustment_cash_krw),
  CONSTRAINT settlement_statement_promo CHECK (closing_promo_krw = opening_promo_krw + spend_promo_krw
    + reversed_promo_krw + promo_granted_krw + promo_expired_krw + adjustment_promo_krw)
);
CREATE INDEX settlement_statement_advertiser_id_business_date_idx ON settlement_statement (advertiser_id, business_date);

-- The canonical text of a run's lines, one line each in the order of the bytes of its ids, hashed (I8). The whole text
-- is made in memory: about 100 bytes a line.
CREATE FUNCTION settlement_lines_hash(d date, n integer) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT encode(sha256(convert_to(coalesce(string_agg(concat_ws('|', advertiser_id, campaign_id, charged_clicks,
    charged_cash_krw, charged_promo_krw, reversed_clicks, reversed_cash_krw, reversed_promo_krw, over_delivery_clicks,
    over_delivery_krw) || E'\n', '' ORDER BY advertiser_id COLLATE "C", campaign_id COLLATE "C"), ''), 'UTF8')), 'hex')
  FROM settlement_line WHERE business_date = d AND run_no = n
$$;

-- What a wallet held at the end of a day: the running balance of the last entry until then.
CREATE FUNCTION wallet_balance_on(advertiser text, fund text, d date) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce((SELECT balance_after_krw FROM ledger_entry WHERE advertiser_id = advertiser AND account = fund
    AND booked_date <= d AND advertiser_seq IS NOT NULL ORDER BY advertiser_seq DESC LIMIT 1), 0)
$$;

CREATE TABLE settlement_month (
  month date NOT NULL,
  status text NOT NULL,
  requested_by text NOT NULL,
  started_at timestamptz(3) NOT NULL,
  -- From here on a reversal of a charge of this month needs a correction document.
  invoiced_at timestamptz(3),
  finished_at timestamptz(3),
  CONSTRAINT settlement_month_pkey PRIMARY KEY (month),
  CONSTRAINT settlement_month_first CHECK (month = date_trunc('month', month)::date),
  CONSTRAINT settlement_month_status CHECK (status IN ('running', 'completed', 'failed'))
);

-- One document: the invoice of an advertiser and month (seq 0), or a correction of it. `client_reference_id` is our name
-- of it at the provider. An exception waits for a person and leaves with a retry.
CREATE TABLE tax_invoice (
  id text NOT NULL,
  advertiser_id text NOT NULL,
  month date NOT NULL,
  seq integer NOT NULL,
  kind text NOT NULL,
  original_id text,
  supply_amount_krw bigint NOT NULL,
  tax_amount_krw bigint NOT NULL,
  total_amount_krw bigint NOT NULL,
  -- Cash charges of the month and their reversals, as known when the amount was computed.
  basis_charged_krw bigint NOT NULL,
  basis_reversed_krw bigint NOT NULL,
  write_date date NOT NULL,
  rules_version integer NOT NULL,
  reason text,
  requested_by text NOT NULL,
  created_at timestamptz(3) NOT NULL,
  state text NOT NULL,
  attempt integer NOT NULL DEFAULT 0,
  client_reference_id text NOT NULL,
  issuance_key text,
  nts_confirm_number text,
  exception_code text,
  exception_message text,
  updated_at timestamptz(3) NOT NULL,
  CONSTRAINT tax_invoice_pkey PRIMARY KEY (id),
  CONSTRAINT tax_invoice_kind CHECK (kind IN ('ORIGINAL', 'SUPPLY_PRICE_CHANGE')),
  CONSTRAINT tax_invoice_original CHECK ((kind = 'ORIGINAL') = (original_id IS NULL) AND (kind = 'ORIGINAL') = (seq = 0)),
  CONSTRAINT tax_invoice_sum CHECK (supply_amount_krw + tax_amount_krw = total_amount_krw),
  CONSTRAINT tax_invoice_total CHECK (CASE kind WHEN 'ORIGINAL' THEN total_amount_krw > 0 ELSE total_amount_krw <> 0 END),
  CONSTRAINT tax_invoice_state CHECK (state IN ('DRAFT', 'APPROVED', 'ISSUING', 'ISSUED', 'NTS_PENDING', 'NTS_ACCEPTED',
    'NTS_REJECTED', 'CANCELLED')),
  CONSTRAINT tax_invoice_accepted CHECK (state <> 'NTS_ACCEPTED' OR nts_confirm_number IS NOT NULL),
  CONSTRAINT tax_invoice_exception CHECK ((exception_code IS NULL) = (exception_message IS NULL)),
  CONSTRAINT tax_invoice_original_id_fkey FOREIGN KEY (original_id) REFERENCES tax_invoice (id)
    ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE UNIQUE INDEX tax_invoice_advertiser_id_month_seq_key ON tax_invoice (advertiser_id, month, seq);
CREATE UNIQUE INDEX tax_invoice_client_reference_id_key ON tax_invoice (client_reference_id);
CREATE INDEX tax_invoice_month_state_idx ON tax_invoice (month, state);

CREATE TABLE tax_invoice_item (
  tax_invoice_id text NOT NULL,
  line_no integer NOT NULL,
  campaign_id text,
  name text NOT NULL,
  supply_amount_krw bigint NOT NULL,
  tax_amount_krw bigint NOT NULL,
  CONSTRAINT tax_invoice_item_pkey PRIMARY KEY (tax_invoice_id, line_no),
  CONSTRAINT tax_invoice_item_no CHECK (line_no BETWEEN 1 AND 99),
  CONSTRAINT tax_invoice_item_tax_invoice_id_fkey FOREIGN KEY (tax_invoice_id) REFERENCES tax_invoice (id)
    ON DELETE RESTRICT ON UPDATE RESTRICT
);

CREATE TABLE tax_invoice_event (
  id bigint GENERATED BY DEFAULT AS IDENTITY,
  tax_invoice_id text NOT NULL,
  at timestamptz(3) NOT NULL,
  state text NOT NULL,
  actor_id text NOT NULL,
  detail text,
  CONSTRAINT tax_invoice_event_pkey PRIMARY KEY (id),
  CONSTRAINT tax_invoice_event_tax_invoice_id_fkey FOREIGN KEY (tax_invoice_id) REFERENCES tax_invoice (id)
    ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX tax_invoice_event_tax_invoice_id_idx ON tax_invoice_event (tax_invoice_id);

-- A delivery of the provider that was taken; the same one again does nothing.
CREATE TABLE tax_invoice_webhook (
  webhook_id text NOT NULL,
  received_at timestamptz(3) NOT NULL,
  CONSTRAINT tax_invoice_webhook_pkey PRIMARY KEY (webhook_id)
);

-- Reversals by the month of their charge, for the invoice of that month.
CREATE INDEX click_reversal_advertiser_id_charge_booked_date_idx ON click_reversal (advertiser_id, charge_booked_date);

-- A run that ended stays as it ended; nobody edits what it says.
CREATE FUNCTION settlement_run_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status <> 'running' OR (NEW.id, NEW.business_date, NEW.run_no) IS DISTINCT FROM (OLD.id, OLD.business_date, OLD.run_no) THEN
    RAISE EXCEPTION 'a settlement run that ended does not change' USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER settlement_run_ends_once BEFORE UPDATE ON settlement_run
  FOR EACH ROW EXECUTE FUNCTION settlement_run_ends_once();

CREATE FUNCTION settlement_run_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM new_rows n WHERE NOT EXISTS (SELECT FROM settlement_run r
      WHERE r.business_date = n.business_date AND r.run_no = n.run_no AND r.status = 'running')) THEN
    RAISE EXCEPTION 'only a settlement run that is running takes rows' USING ERRCODE = '23001';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_while_running AFTER INSERT ON settlement_line REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_run_is_open();
CREATE TRIGGER only_while_running AFTER INSERT ON settlement_statement REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_run_is_open();

-- The words and numbers of a document stay; only its way to the tax authority goes on.
CREATE FUNCTION tax_invoice_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.advertiser_id, NEW.month, NEW.seq, NEW.kind, NEW.original_id, NEW.supply_amount_krw, NEW.tax_amount_krw,
      NEW.basis_charged_krw, NEW.basis_reversed_krw, NEW.write_date, NEW.rules_version, NEW.created_at)
    IS DISTINCT FROM (OLD.id, OLD.advertiser_id, OLD.month, OLD.seq, OLD.kind, OLD.original_id, OLD.supply_amount_krw,
      OLD.tax_amount_krw, OLD.basis_charged_krw, OLD.basis_reversed_krw, OLD.write_date, OLD.rules_version, OLD.created_at)
    OR OLD.state IN ('NTS_ACCEPTED', 'CANCELLED') THEN
    RAISE EXCEPTION 'a tax invoice does not change' USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER tax_invoice_stays BEFORE UPDATE ON tax_invoice FOR EACH ROW EXECUTE FUNCTION tax_invoice_stays();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON settlement_line FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_truncate BEFORE TRUNCATE ON settlement_line FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON settlement_statement FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_truncate BEFORE TRUNCATE ON settlement_statement FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON tax_invoice_item FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON tax_invoice_event FOR EACH ROW EXECUTE FUNCTION refuse_change();

REVOKE UPDATE, DELETE ON settlement_line, settlement_statement, tax_invoice_item, tax_invoice_event, tax_invoice_webhook FROM ads_app;
REVOKE DELETE ON settlement_run, settlement_month, tax_invoice FROM ads_app;
