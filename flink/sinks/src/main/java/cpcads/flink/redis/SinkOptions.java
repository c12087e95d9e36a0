package cpcads.flink.redis;

import java.io.Serializable;
import java.time.Duration;

/** The options of one table, checked. Names that are not used are empty strings; a TTL of zero means for ever. */
record SinkOptions(
    String uri,
    String keyPrefix,
    String keySeparator,
    Duration ttl,
    String publishChannel,
    String changesKey,
    String versionKey,
    String epochKey,
    boolean mirror,
    Duration flushInterval,
    int flushMaxRows,
    Duration sweepDelay)
    implements Serializable {}
