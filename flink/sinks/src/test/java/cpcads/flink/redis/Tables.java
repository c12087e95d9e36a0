package cpcads.flink.redis;

import cpcads.flink.redis.SinkOptions.ControlKeys;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.metrics.groups.SinkWriterMetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.VarCharType;
import org.apache.flink.types.RowKind;

/** Tables (key STRING, value STRING) as the statements have them, and writers of them. */
final class Tables {
  static final String EPOCH = "{t}-epoch";
  static final String VERSION = "{t}-version";
  static final String CHANGES = "{t}-changes";
  static final String WRITER = "{t}-epoch:writer";

  private Tables() {}

  /** Like the rankings: mirror, change list, notices. */
  static SinkOptions ranking(String uri) {
    return ranking(uri, Duration.ZERO);
  }

  static SinkOptions ranking(String uri, Duration sweepDelay) {
    return new SinkOptions(address(uri), "{t}:", ":", Duration.ZERO, "changed",
        new ControlKeys(EPOCH, VERSION, CHANGES, WRITER), true, Duration.ofMillis(1), 500, 100_000, 64 << 20, sweepDelay);
  }

  /** Like the performance of ads: values that go by themselves. */
  static SinkOptions plain(String uri, Duration ttl, int maxKeys, long maxBytes) {
    return new SinkOptions(address(uri), "p:", ":", ttl, "", ControlKeys.NONE, false, Duration.ofMillis(1), 500, maxKeys,
        maxBytes, Duration.ZERO);
  }

  static RedisAddress address(String uri) {
    return RedisAddress.of(uri, "", "", "", true);
  }

  static RedisWriter writer(SinkOptions options, Collection<SinkState> restored) {
    return writer(options, restored, UnregisteredMetricsGroup.createSinkWriterMetricGroup());
  }

  static RedisWriter writer(SinkOptions options, Collection<SinkState> restored, SinkWriterMetricGroup metrics) {
    RowData.FieldGetter key = RowData.createFieldGetter(VarCharType.STRING_TYPE, 0);
    return new RedisWriter(new RedisSink(options, new RowData.FieldGetter[] {key}, 1), metrics, restored);
  }

  static void put(RedisWriter writer, String key, String value) throws IOException, InterruptedException {
    writer.write(GenericRowData.of(StringData.fromString(key), StringData.fromString(value)), null);
  }

  static void delete(RedisWriter writer, String key) throws IOException, InterruptedException {
    writer.write(GenericRowData.ofKind(RowKind.DELETE, StringData.fromString(key), null), null);
  }

  /** As Flink keeps it: through bytes. */
  static List<SinkState> checkpoint(RedisWriter writer, SinkOptions options) throws IOException {
    StateSerializer serializer = new StateSerializer(options.keyPrefix());
    List<SinkState> restored = new ArrayList<>();
    for (SinkState piece : writer.snapshotState(1)) restored.add(serializer.deserialize(2, serializer.serialize(piece)));
    return restored;
  }

}
