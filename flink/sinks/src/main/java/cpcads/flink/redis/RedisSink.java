package cpcads.flink.redis;

import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.table.data.RowData;

/** The last value of each key wins. What Redis has not confirmed is writer state: a checkpoint never waits for Redis. */
final class RedisSink implements Sink<RowData>, SupportsWriterState<RowData, SinkState> {
  private static final long serialVersionUID = 1L;

  private final SinkOptions options;
  private final RowData.FieldGetter[] keyColumns;
  private final int valueColumn;

  RedisSink(SinkOptions options, RowData.FieldGetter[] keyColumns, int valueColumn) {
    this.options = options;
    this.keyColumns = keyColumns;
    this.valueColumn = valueColumn;
  }

  SinkOptions options() {
    return options;
  }

  @Override
  public SinkWriter<RowData> createWriter(WriterInitContext context) {
    return new RedisWriter(this, context.metricGroup(), List.of());
  }

  @Override
  public StatefulSinkWriter<RowData, SinkState> restoreWriter(WriterInitContext context, Collection<SinkState> state) {
    return new RedisWriter(this, context.metricGroup(), state);
  }

  @Override
  public SimpleVersionedSerializer<SinkState> getWriterStateSerializer() {
    return new StateSerializer(options.keyPrefix());
  }

  String keyOf(RowData row) {
    StringBuilder key = new StringBuilder(options.keyPrefix());
    for (int i = 0; i < keyColumns.length; i++) {
      if (i > 0) key.append(options.keySeparator());
      key.append(keyColumns[i].getFieldOrNull(row));
    }
    return key.toString();
  }

  /** Null: no change. */
  String valueOf(RowData row) {
    return row.isNullAt(valueColumn) ? null : row.getString(valueColumn).toString();
  }
}
