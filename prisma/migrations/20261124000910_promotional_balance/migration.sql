-- The fund as a literal: only then does a query of promotional money use the index of promotional entries. A function of
-- two arguments is planned for any fund.
CREATE OR REPLACE FUNCTION wallet_balance_on(advertiser text, fund text, d date) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(CASE fund
    WHEN 'wallet_promo' THEN (SELECT balance_after_krw FROM ledger_entry WHERE advertiser_id = advertiser
      AND account = 'wallet_promo' AND booked_date <= d AND advertiser_seq IS NOT NULL ORDER BY advertiser_seq DESC LIMIT 1)
    ELSE (SELECT balance_after_krw FROM ledger_entry WHERE advertiser_id = advertiser
      AND account = fund AND booked_date <= d AND advertiser_seq IS NOT NULL ORDER BY advertiser_seq DESC LIMIT 1)
    END, 0)
$$;
