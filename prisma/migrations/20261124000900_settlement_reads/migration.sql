-- What the settlement of a day reads, by the day: without these each day would read the clicks of all time.

-- Clicks lie in the order of their booking, so a few bytes per range of pages find a day, and charging pays next to
-- nothing for it.
CREATE INDEX click_charge_booked_date_idx ON click_charge USING brin (booked_date) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX click_reversal_booked_date_idx ON click_reversal (booked_date);
CREATE INDEX campaign_daily_spend_business_date_idx ON campaign_daily_spend (business_date);

-- The last promotional entry of a wallet until a day: most wallets have none, and looking for it among the cash entries
-- would read the whole life of the wallet.
CREATE INDEX ledger_entry_advertiser_id_advertiser_seq_idx ON ledger_entry (advertiser_id, advertiser_seq)
  WHERE account = 'wallet_promo';
