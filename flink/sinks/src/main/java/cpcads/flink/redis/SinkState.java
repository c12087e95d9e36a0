package cpcads.flink.redis;

import java.util.Map;

/**
 * A piece of a checkpoint.
 *
 * @param token of the writer: the one that is restored gets a higher one.
 * @param sweepDue keys of before this job are still to be deleted.
 */
record SinkState(long token, boolean sweepDue, Map<String, Change> changes) {}
