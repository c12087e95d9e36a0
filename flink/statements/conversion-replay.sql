-- QUESTION  What would conversion-match-24h have found in the kept log by other rules?
-- RULE      Its own views, word for word, with other variables: this file holds the sinks only. Nothing is written to
--           conversion_result, and nothing is told to ad-events.
-- WINDOW    The kept log up to the offsets that were its end when the replay began; then event time ends, every order
--           line is decided, and so is the job. Order lines of [${REPLAY_FROM_MS}, ${REPLAY_TO_MS}) are written: see
--           replayRange in domain/conversion-replay.ts.
-- STATE     Of the statement, but nothing is forgotten while it runs: ids, matches and cancellations of the whole log.
-- A line with nothing but ; ends a statement.

EXECUTE STATEMENT SET BEGIN
INSERT INTO conversion_replay_row
SELECT ${REPLAY_ID}, orderLineId, clickId, adId, campaignId, advertiserId, placement, productId, `match`, quantity,
       conversionValueKrw, clickedAt, convertedAt, ${RULES_VERSION}
FROM conversion WHERE convertedAt >= ${REPLAY_FROM_MS} AND convertedAt < ${REPLAY_TO_MS};
INSERT INTO conversion_replay_reversal
SELECT ${REPLAY_ID}, orderLineId, clickId, adId, campaignId, advertiserId, placement, productId, `match`, quantity,
       conversionValueKrw, clickedAt, convertedAt, reversedAt, ${RULES_VERSION}
FROM reversal WHERE convertedAt >= ${REPLAY_FROM_MS} AND convertedAt < ${REPLAY_TO_MS};
END
;
