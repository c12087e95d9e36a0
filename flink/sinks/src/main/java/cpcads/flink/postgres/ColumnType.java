package cpcads.flink.postgres;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * What a column may hold. Times are not among them: they are epoch milliseconds in a BIGINT, since a TIMESTAMP would
 * be shifted by whichever time zone stands nearest.
 */
enum ColumnType {
  TEXT("text") {
    @Override
    void write(DataOutputStream out, Object value) throws IOException {
      byte[] utf8 = ((String) value).getBytes(StandardCharsets.UTF_8);
      out.writeInt(utf8.length);
      out.write(utf8);
    }

    @Override
    Object read(DataInputStream in) throws IOException {
      byte[] utf8 = new byte[in.readInt()];
      in.readFully(utf8);
      return new String(utf8, StandardCharsets.UTF_8);
    }
  },
  BIGINT("bigint") {
    @Override
    void write(DataOutputStream out, Object value) throws IOException {
      out.writeLong((Long) value);
    }

    @Override
    Object read(DataInputStream in) throws IOException {
      return in.readLong();
    }
  },
  INTEGER("integer") {
    @Override
    void write(DataOutputStream out, Object value) throws IOException {
      out.writeInt((Integer) value);
    }

    @Override
    Object read(DataInputStream in) throws IOException {
      return in.readInt();
    }
  },
  BOOLEAN("boolean") {
    @Override
    void write(DataOutputStream out, Object value) throws IOException {
      out.writeBoolean((Boolean) value);
    }

    @Override
    Object read(DataInputStream in) throws IOException {
      return in.readBoolean();
    }
  };

  /** PostgreSQL's name of the type. */
  final String sqlName;

  ColumnType(String sqlName) {
    this.sqlName = sqlName;
  }

  abstract void write(DataOutputStream out, Object value) throws IOException;

  abstract Object read(DataInputStream in) throws IOException;

  /** Empty for a type that this sink does not carry. */
  static Optional<ColumnType> of(LogicalType type) {
    return switch (type.getTypeRoot()) {
      case CHAR, VARCHAR -> Optional.of(TEXT);
      case BIGINT -> Optional.of(BIGINT);
      case INTEGER -> Optional.of(INTEGER);
      case BOOLEAN -> Optional.of(BOOLEAN);
      default -> Optional.empty();
    };
  }
}
