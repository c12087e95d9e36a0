-- Every 500 ms the relay asks which daily stops are over: a look at one end of this index instead of all stops.
CREATE INDEX serving_stop_until_date_idx ON serving_stop (until_date);
