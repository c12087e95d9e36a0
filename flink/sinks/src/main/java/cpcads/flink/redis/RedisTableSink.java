package cpcads.flink.redis;

import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.types.RowKind;

/** Tells the planner what the sink takes: upserts, and deletes that may carry nothing but the key. */
record RedisTableSink(RedisSink sink) implements DynamicTableSink {
  /** One writer, so that the change list of a table has one order and a mirror knows every key. */
  private static final int PARALLELISM = 1;

  @Override
  public ChangelogMode getChangelogMode(ChangelogMode requested) {
    return ChangelogMode.newBuilder()
        .addContainedKind(RowKind.INSERT)
        .addContainedKind(RowKind.UPDATE_AFTER)
        .addContainedKind(RowKind.DELETE)
        .keyOnlyDeletes(true)
        .build();
  }

  @Override
  public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
    return SinkV2Provider.of(sink, PARALLELISM);
  }

  @Override
  public DynamicTableSink copy() {
    return this;
  }

  @Override
  public String asSummaryString() {
    return sink.options().toString();
  }
}
