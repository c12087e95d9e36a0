-- Charging writes less for the same rows.

-- Two indexes that every charge paid for. Nobody looks a cause key up; the clicks of a ledger transaction are found by
-- their advertiser and the moment of their booking, which they share.
DROP INDEX ledger_transaction_cause_key_idx;
DROP INDEX click_charge_ledger_transaction_id_idx;

-- The sequence of a wallet is unique; entries of the platform's own accounts have none and need no place in its index.
DROP INDEX ledger_entry_advertiser_id_advertiser_seq_booked_date_key;
CREATE UNIQUE INDEX ledger_entry_advertiser_id_advertiser_seq_booked_date_key
  ON ledger_entry (advertiser_id, advertiser_seq, booked_date) WHERE advertiser_seq IS NOT NULL;

-- The same rule as before in one pass over the new rows: every statement that writes entries writes whole transactions,
-- lines 1..n, sum zero, header of the same day and an open day.
CREATE OR REPLACE FUNCTION check_ledger_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  day record;
BEGIN
  FOR day IN
    SELECT t.booked_date, array_agg(t.id) AS ids,
           min(t.id) FILTER (WHERE t.krw <> 0 OR t.first_line <> 1 OR t.last_line <> t.lines) AS bad
      FROM (SELECT n.transaction_id AS id, n.booked_date, sum(n.amount_krw) AS krw, min(n.line_no) AS first_line,
                   max(n.line_no) AS last_line, count(*) AS lines
              FROM new_rows n GROUP BY n.transaction_id, n.booked_date) AS t
     GROUP BY t.booked_date
  LOOP
    IF day.bad IS NOT NULL THEN
      RAISE EXCEPTION 'ledger transaction % does not sum to zero or is not whole', day.bad USING ERRCODE = '23514';
    END IF;
    IF EXISTS (SELECT FROM business_day d WHERE d.business_date = day.booked_date) THEN
      RAISE EXCEPTION 'ledger entry into a closed business day' USING ERRCODE = '23001';
    END IF;
    IF cardinality(day.ids) <> (SELECT count(*) FROM ledger_transaction t
        WHERE t.booked_date = day.booked_date AND t.id = ANY (day.ids)) THEN
      RAISE EXCEPTION 'ledger entry names no transaction of its day %', day.booked_date USING ERRCODE = '23503';
    END IF;
  END LOOP;
  RETURN NULL;
END $$;

-- As before, but a row is put together from its columns as it is read: a function of several arrays in FROM keeps each
-- column in a store of its own first. (Times without the arithmetic of arbitrary precision, which a double does not need
-- for milliseconds.)
--
-- Writes all that a decided batch changes; returns the stops with their versions. The caller holds the locks of
-- charging_locks_and_facts. Rows come as one array per column, those of rare cases as JSON. A transaction number (1..n)
-- names a ledger transaction of this batch: one per advertiser and campaign that paid something. Every table keeps its
-- own checks and triggers; nothing is left out here.
CREATE OR REPLACE FUNCTION write_charges(
  booked_at timestamptz, booked_date date, rules_version integer,
  -- ledger transactions 1..n
  transaction_advertiser_ids text[], transaction_campaign_ids text[], transaction_cause_keys text[],
  -- ledger entries
  entry_transaction_nos integer[], entry_line_nos smallint[], entry_accounts text[], entry_advertiser_ids text[],
  entry_amounts_krw bigint[], entry_advertiser_seqs bigint[], entry_balances_after_krw bigint[],
  -- balances after it
  wallet_advertiser_ids text[], wallet_cash_krw bigint[], wallet_promo_krw bigint[], wallet_seqs bigint[],
  -- what each campaign spent, and valid clicks that nobody could pay
  spend_campaign_ids text[], spend_advertiser_ids text[], spend_budgets_krw bigint[], spend_krw bigint[],
  spend_clicks bigint[], unpaid_krw bigint[], unpaid_clicks bigint[],
  -- clicks; times are epoch milliseconds, the objects are elements of a JSON array
  click_ids uuid[], issued_months date[], request_ids text[], advertiser_ids text[], campaign_ids text[], ad_ids text[],
  product_ids text[], placements text[], slots integer[], token_prices_krw bigint[], token_issued_at_ms bigint[],
  clicked_at_ms bigint[], recorded_at_ms bigint[], device_hashes text[], ip_hashes text[], outcomes text[], reasons text[],
  prices_charged_krw bigint[], prices_cash_krw bigint[], prices_promo_krw bigint[], transaction_nos integer[],
  price_reasons jsonb, click_signals jsonb, click_promo_lots jsonb,
  -- rare: promo lots that paid, stops, crossings
  lots json, stops json, crossings json
) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  charged_at CONSTANT timestamptz := write_charges.booked_at;
  day CONSTANT date := write_charges.booked_date;
  rules CONSTANT integer := write_charges.rules_version;
  ids bigint[];
BEGIN
  IF cardinality(transaction_cause_keys) > 0 THEN
    ids := ARRAY(SELECT nextval('ledger_transaction_id_seq') FROM generate_series(1, cardinality(transaction_cause_keys)));
    INSERT INTO ledger_transaction (id, booked_date, advertiser_id, campaign_id, cause, cause_key, booked_at)
      SELECT t.id, day, t.advertiser_id, t.campaign_id, 'click_charge', t.cause_key, charged_at
        FROM (SELECT unnest(ids) AS id, unnest(transaction_advertiser_ids) AS advertiser_id,
                unnest(transaction_campaign_ids) AS campaign_id, unnest(transaction_cause_keys) AS cause_key) AS t;
    INSERT INTO ledger_entry (transaction_id, booked_date, line_no, account, advertiser_id, amount_krw, advertiser_seq,
                              balance_after_krw)
      SELECT ids[e.transaction_no], day, e.line_no, e.account, e.advertiser_id, e.amount_krw, e.advertiser_seq,
             e.balance_after_krw
        FROM (SELECT unnest(entry_transaction_nos) AS transaction_no, unnest(entry_line_nos) AS line_no,
                unnest(entry_accounts) AS account, unnest(entry_advertiser_ids) AS advertiser_id,
                unnest(entry_amounts_krw) AS amount_krw, unnest(entry_advertiser_seqs) AS advertiser_seq,
                unnest(entry_balances_after_krw) AS balance_after_krw) AS e;
    UPDATE advertiser_balance b
       SET cash_krw = v.cash_krw, promo_krw = v.promo_krw, seq = v.seq, version = b.version + 1
      FROM (SELECT unnest(wallet_advertiser_ids) AS advertiser_id, unnest(wallet_cash_krw) AS cash_krw,
              unnest(wallet_promo_krw) AS promo_krw, unnest(wallet_seqs) AS seq) AS v
     WHERE b.advertiser_id = v.advertiser_id;
    -- A budget row of an earlier day starts anew.
    UPDATE campaign_budget b
       SET total_spent_krw = b.total_spent_krw + c.krw, spent_date = day, version = b.version + 1,
           spent_today_krw = CASE WHEN b.spent_date = day THEN b.spent_today_krw ELSE 0 END + c.krw
      FROM (SELECT unnest(spend_campaign_ids) AS campaign_id, unnest(write_charges.spend_krw) AS krw) AS c
     WHERE b.campaign_id = c.campaign_id AND c.krw > 0;
  END IF;
  IF json_array_length(lots) > 0 THEN
    UPDATE promo_lot l SET remaining_krw = l.remaining_krw - p.taken_krw
      FROM json_to_recordset(lots) AS p (id bigint, taken_krw bigint) WHERE l.id = p.id;
  END IF;

  INSERT INTO click_charge (click_id, issued_month, request_id, advertiser_id, campaign_id, ad_id, product_id, placement,
      slot, token_price_krw, price_reason, token_issued_at, clicked_at, recorded_at, device_hash, ip_hash, signals, outcome,
      reason, rules_version, charged_krw, cash_krw, promo_krw, promo_lots, ledger_transaction_id, booked_at, booked_date)
    SELECT c.click_id, c.issued_month, c.request_id, c.advertiser_id, c.campaign_id, c.ad_id, c.product_id, c.placement,
        c.slot, c.token_price_krw, c.price_reason, to_timestamp(c.token_issued_at_ms / float8 '1000'),
        to_timestamp(c.clicked_at_ms / float8 '1000'), to_timestamp(c.recorded_at_ms / float8 '1000'), c.device_hash, c.ip_hash, c.signals,
        c.outcome, c.reason, rules, c.charged_krw, c.cash_krw, c.promo_krw, nullif(c.promo_lots, 'null'),
        ids[c.transaction_no], charged_at, day
      FROM (
        SELECT unnest(click_ids) AS click_id, unnest(issued_months) AS issued_month, unnest(request_ids) AS request_id,
          unnest(advertiser_ids) AS advertiser_id, unnest(campaign_ids) AS campaign_id, unnest(ad_ids) AS ad_id,
          unnest(product_ids) AS product_id, unnest(placements) AS placement, unnest(slots) AS slot,
          unnest(token_prices_krw) AS token_price_krw, unnest(write_charges.token_issued_at_ms) AS token_issued_at_ms,
          unnest(write_charges.clicked_at_ms) AS clicked_at_ms, unnest(write_charges.recorded_at_ms) AS recorded_at_ms,
          unnest(device_hashes) AS device_hash, unnest(ip_hashes) AS ip_hash, unnest(outcomes) AS outcome,
          unnest(reasons) AS reason, unnest(prices_charged_krw) AS charged_krw, unnest(prices_cash_krw) AS cash_krw,
          unnest(prices_promo_krw) AS promo_krw, unnest(transaction_nos) AS transaction_no,
          jsonb_array_elements(price_reasons) AS price_reason, jsonb_array_elements(click_signals) AS signals,
          jsonb_array_elements(click_promo_lots) AS promo_lots) AS c;

  -- Spend per campaign and day; valid clicks that nobody could pay are remembered beside it as over-delivery.
  INSERT INTO campaign_daily_spend AS d (campaign_id, business_date, advertiser_id, budget_krw, spent_krw, charged_clicks,
                                         over_delivery_krw, over_delivery_clicks)
    SELECT c.campaign_id, day, c.advertiser_id, c.budget_krw, c.krw, c.clicks, c.over_krw, c.over_clicks
      FROM (SELECT unnest(spend_campaign_ids) AS campaign_id, unnest(spend_advertiser_ids) AS advertiser_id,
              unnest(spend_budgets_krw) AS budget_krw, unnest(write_charges.spend_krw) AS krw, unnest(spend_clicks) AS clicks,
              unnest(unpaid_krw) AS over_krw, unnest(unpaid_clicks) AS over_clicks) AS c
  ON CONFLICT (campaign_id, business_date) DO UPDATE SET
    budget_krw = greatest(d.budget_krw, excluded.budget_krw),
    spent_krw = d.spent_krw + excluded.spent_krw,
    charged_clicks = d.charged_clicks + excluded.charged_clicks,
    over_delivery_krw = d.over_delivery_krw + excluded.over_delivery_krw,
    over_delivery_clicks = d.over_delivery_clicks + excluded.over_delivery_clicks;

  IF json_array_length(crossings) > 0 THEN
    INSERT INTO budget_crossing (campaign_id, advertiser_id, kind, basis, percent, budget_krw, spent_krw, business_date,
                                 crossed_at)
      SELECT c.campaign_id, c.advertiser_id, c.kind, c.basis, c.percent, c.budget_krw, c.spent_krw, day, charged_at
        FROM json_to_recordset(crossings)
          AS c (campaign_id text, advertiser_id text, kind text, basis text, percent integer, budget_krw bigint,
                spent_krw bigint)
    ON CONFLICT (campaign_id, kind, basis, percent) DO NOTHING;
  END IF;
  IF json_array_length(stops) = 0 THEN RETURN '[]'; END IF;
  RETURN write_serving_stops(stops, charged_at);
END $$;
