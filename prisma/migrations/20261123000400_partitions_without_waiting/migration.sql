-- A new partition must never make charging wait. CREATE TABLE ... PARTITION OF takes the strongest lock on the parent,
-- and queues every charge behind itself; a table that is made apart and then attached takes a lock that reading and
-- writing pass. The parents come in the order in which charging touches them, and a lock that does not come within two
-- seconds is given up: the next run tries again.
CREATE OR REPLACE FUNCTION ensure_partitions(from_month date, until_month date) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  m date;
  parent text;
  part text;
BEGIN
  IF from_month <> date_trunc('month', from_month)::date OR until_month <> date_trunc('month', until_month)::date
     OR from_month < (business_now() - interval '60 months')::date
     OR until_month > (business_now() + interval '60 months')::date THEN
    RAISE EXCEPTION 'not a range of months near the business clock: % .. %', from_month, until_month USING ERRCODE = '22023';
  END IF;
  PERFORM pg_advisory_xact_lock(7302, 0);
  FOREACH parent IN ARRAY ARRAY['click_charge', 'ledger_transaction', 'ledger_entry'] LOOP
    FOR m IN SELECT generate_series(from_month, until_month, interval '1 month')::date LOOP
      part := money_partition_name(parent, m);
      IF to_regclass(part) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', part, parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part, m, (m + interval '1 month')::date);
        PERFORM guard_money_table(part::regclass, true);
        EXECUTE format('REVOKE ALL ON %I FROM ads_app', part);
        EXECUTE format('GRANT SELECT ON %I TO ads_app', part);
        RETURN NEXT part;
      END IF;
    END LOOP;
  END LOOP;
END $$;
