package cpcads.flink.postgres;

import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.types.RowKind;

/** Tells the planner what the sink takes: upserts. A statement that deletes rows is refused before it runs. */
record PostgresTableSink(PostgresSink sink) implements DynamicTableSink {
  /** One writer, so that the rows of a key have one order. */
  private static final int PARALLELISM = 1;

  @Override
  public ChangelogMode getChangelogMode(ChangelogMode requested) {
    return ChangelogMode.newBuilder()
        .addContainedKind(RowKind.INSERT)
        .addContainedKind(RowKind.UPDATE_AFTER)
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
    return "PostgreSQL " + sink.options().table();
  }
}
