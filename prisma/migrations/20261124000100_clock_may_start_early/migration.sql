-- A demonstration begins some weeks ago and walks to today through the ordinary operations. The clock may therefore
-- be set back once, while no money was ever booked and no day closed; from then on it only moves forward.
ALTER TABLE business_clock DROP CONSTRAINT business_clock_offset_not_negative;
ALTER TABLE business_clock ADD CONSTRAINT business_clock_offset_not_too_early
  CHECK (offset_ms >= -40 * 86400000::bigint);

CREATE OR REPLACE FUNCTION business_clock_only_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION 'the business clock has exactly one row' USING ERRCODE = '23001'; END IF;
  IF NEW.offset_ms < OLD.offset_ms AND (OLD.offset_ms <> 0
     OR EXISTS (SELECT FROM ledger_transaction) OR EXISTS (SELECT FROM business_day)
     OR EXISTS (SELECT FROM click_charge) OR EXISTS (SELECT FROM campaign)) THEN
    RAISE EXCEPTION 'the business clock only moves forward' USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END $$;
