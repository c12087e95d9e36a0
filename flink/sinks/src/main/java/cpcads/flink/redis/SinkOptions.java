package cpcads.flink.redis;

import java.io.Serializable;
import java.time.Duration;

/** The options of one table, checked. Names that are not used are empty strings; a TTL of zero means for ever. */
record SinkOptions(
    RedisAddress address,
    String keyPrefix,
    String keySeparator,
    Duration ttl,
    String publishChannel,
    ControlKeys controlKeys,
    boolean mirror,
    Duration flushInterval,
    int flushMaxRows,
    int bufferMaxKeys,
    long bufferMaxBytes,
    Duration sweepDelay)
    implements Serializable {

  /**
   * What stands beside the values and changes with them. None of it: values are written one by one.
   *
   * @param writer token and sequence of the writer that holds this table.
   */
  record ControlKeys(String epoch, String version, String changes, String writer) implements Serializable {
    static final ControlKeys NONE = new ControlKeys("", "", "", "");
  }

  /** Values, change list and version become visible together, by a script. */
  boolean scripted() {
    return !controlKeys.writer().isEmpty();
  }

  @Override
  public String toString() {
    return "redis " + keyPrefix + "* at " + address;
  }
}
