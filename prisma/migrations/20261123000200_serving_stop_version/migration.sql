-- One sequence numbers all serving stops: a reader can ask for "everything newer", and a campaign's state under its
-- own stop and its advertiser's has one comparable version. A row's version still only rises (trigger).
CREATE SEQUENCE serving_stop_version AS bigint;
SELECT setval('serving_stop_version', coalesce((SELECT max(version) FROM serving_stop), 0) + 1);
CREATE INDEX serving_stop_version_idx ON serving_stop (version);
