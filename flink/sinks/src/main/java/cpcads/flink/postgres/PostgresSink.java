package cpcads.flink.postgres;

import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;

/** The last row of each key wins. What PostgreSQL has not confirmed is writer state: a checkpoint never waits for it. */
final class PostgresSink implements Sink<RowData>, SupportsWriterState<RowData, List<Row>> {
  private static final long serialVersionUID = 1L;

  private final PostgresOptions options;
  private final TableShape shape;
  private final RowData.FieldGetter[] columns;

  PostgresSink(PostgresOptions options, TableShape shape, RowData.FieldGetter[] columns) {
    this.options = options;
    this.shape = shape;
    this.columns = columns;
  }

  PostgresOptions options() {
    return options;
  }

  TableShape shape() {
    return shape;
  }

  @Override
  public SinkWriter<RowData> createWriter(WriterInitContext context) {
    return new PostgresWriter(this, context.metricGroup(), List.of());
  }

  @Override
  public StatefulSinkWriter<RowData, List<Row>> restoreWriter(WriterInitContext context, Collection<List<Row>> state) {
    return new PostgresWriter(this, context.metricGroup(), state);
  }

  @Override
  public SimpleVersionedSerializer<List<Row>> getWriterStateSerializer() {
    return new RowsSerializer(shape);
  }

  /** Copies: Flink uses its row objects again. */
  Row rowOf(RowData data) {
    Object[] values = new Object[columns.length];
    for (int i = 0; i < values.length; i++) {
      Object value = columns[i].getFieldOrNull(data);
      values[i] = value instanceof StringData text ? text.toString() : value;
    }
    return shape.row(values);
  }
}
