-- To whom a campaign is shown: lists per dimension, an empty list for everybody (domain/targeting.ts).
ALTER TABLE campaign
  ADD COLUMN targeting jsonb NOT NULL DEFAULT '{"daysOfWeek":[],"hours":[],"deviceTypes":[],"regions":[],"segments":[]}',
  ADD CONSTRAINT campaign_targeting_is_object CHECK (jsonb_typeof(targeting) = 'object');
