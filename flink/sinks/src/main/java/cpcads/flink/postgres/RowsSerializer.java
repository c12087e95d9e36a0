package cpcads.flink.postgres;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Rows of one table: the types of the columns first, then each value behind a flag that tells NULL. */
final class RowsSerializer implements SimpleVersionedSerializer<List<Row>> {
  private final TableShape shape;

  RowsSerializer(TableShape shape) {
    this.shape = shape;
  }

  @Override
  public int getVersion() {
    return 1;
  }

  @Override
  public byte[] serialize(List<Row> rows) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeUTF(types());
    out.writeInt(rows.size());
    for (Row row : rows) {
      for (int i = 0; i < row.values().length; i++) {
        Object value = row.values()[i];
        out.writeBoolean(value != null);
        if (value != null) shape.columns().get(i).type().write(out, value);
      }
    }
    return bytes.toByteArray();
  }

  @Override
  public List<Row> deserialize(int version, byte[] serialized) throws IOException {
    if (version != getVersion()) throw new IOException("unknown version of postgres sink state: " + version);
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(serialized));
    String types = in.readUTF();
    if (!types.equals(types())) throw new IOException("postgres sink state has " + types + ", the table has " + types());
    int count = in.readInt();
    List<Row> rows = new ArrayList<>(count);
    for (int left = count; left > 0; left--) {
      Object[] values = new Object[shape.columns().size()];
      for (int i = 0; i < values.length; i++) {
        if (in.readBoolean()) values[i] = shape.columns().get(i).type().read(in);
      }
      rows.add(shape.row(values));
    }
    return rows;
  }

  private String types() {
    return shape.columns().stream().map(column -> column.name() + " " + column.type().sqlName).toList().toString();
  }
}
