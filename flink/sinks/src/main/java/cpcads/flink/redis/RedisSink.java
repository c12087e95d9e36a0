package cpcads.flink.redis;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.table.data.RowData;

/** The last value of each key wins. What Redis has not confirmed is writer state: a checkpoint never waits for Redis. */
final class RedisSink implements Sink<RowData>, SupportsWriterState<RowData, Map<String, String>> {
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
    return new RedisWriter(this, List.of());
  }

  @Override
  public StatefulSinkWriter<RowData, Map<String, String>> restoreWriter(
      WriterInitContext context, Collection<Map<String, String>> state) {
    return new RedisWriter(this, state);
  }

  @Override
  public SimpleVersionedSerializer<Map<String, String>> getWriterStateSerializer() {
    return new ValuesSerializer();
  }

  String keyOf(RowData row) {
    StringBuilder key = new StringBuilder(options.keyPrefix());
    for (int i = 0; i < keyColumns.length; i++) {
      if (i > 0) key.append(options.keySeparator());
      key.append(keyColumns[i].getFieldOrNull(row));
    }
    return key.toString();
  }

  String valueOf(RowData row) {
    return row.getString(valueColumn).toString();
  }
}
