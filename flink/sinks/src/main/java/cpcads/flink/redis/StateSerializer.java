package cpcads.flink.redis;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * Keys without their prefix (so that a table may get another one) and values as length and UTF-8 bytes; length -1 is a
 * value that is to be deleted. Version 1 had whole keys, no token and no times.
 */
final class StateSerializer implements SimpleVersionedSerializer<SinkState> {
  private static final int WITHOUT_TOKEN = 1;
  private static final int CURRENT = 2;
  private static final int DELETED = -1;

  private final String keyPrefix;

  StateSerializer(String keyPrefix) {
    this.keyPrefix = keyPrefix;
  }

  @Override
  public int getVersion() {
    return CURRENT;
  }

  @Override
  public byte[] serialize(SinkState state) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeLong(state.token());
    out.writeBoolean(state.sweepDue());
    out.writeInt(state.changes().size());
    for (Map.Entry<String, Change> entry : state.changes().entrySet()) {
      writeText(out, entry.getKey().substring(keyPrefix.length()));
      writeText(out, entry.getValue().value());
      out.writeLong(entry.getValue().atMs());
    }
    return bytes.toByteArray();
  }

  @Override
  public SinkState deserialize(int version, byte[] serialized) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(serialized));
    return switch (version) {
      case WITHOUT_TOKEN -> new SinkState(0, false, readWithoutTimes(in));
      case CURRENT -> new SinkState(in.readLong(), in.readBoolean(), read(in));
      default -> throw new IOException("unknown version of redis sink state: " + version
          + "; start the statement with the program that wrote it, or without its state");
    };
  }

  private Map<String, Change> read(DataInputStream in) throws IOException {
    Map<String, Change> changes = new LinkedHashMap<>();
    for (int left = in.readInt(); left > 0; left--) {
      String key = keyPrefix + readText(in);
      changes.put(key, new Change(readText(in), in.readLong()));
    }
    return changes;
  }

  private Map<String, Change> readWithoutTimes(DataInputStream in) throws IOException {
    long now = System.currentTimeMillis();
    Map<String, Change> changes = new LinkedHashMap<>();
    for (int left = in.readInt(); left > 0; left--) {
      String key = readText(in);
      if (key == null || !key.startsWith(keyPrefix)) {
        throw new IOException("redis sink state has keys of another table than " + keyPrefix
            + "*; start the statement without its state");
      }
      changes.put(key, new Change(readText(in), now));
    }
    return changes;
  }

  private static void writeText(DataOutputStream out, String text) throws IOException {
    if (text == null) {
      out.writeInt(DELETED);
      return;
    }
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    out.writeInt(utf8.length);
    out.write(utf8);
  }

  private static String readText(DataInputStream in) throws IOException {
    int length = in.readInt();
    if (length == DELETED) return null;
    if (length < 0 || length > in.available()) throw new IOException("redis sink state is cut off or damaged");
    byte[] utf8 = new byte[length];
    in.readFully(utf8);
    return new String(utf8, StandardCharsets.UTF_8);
  }
}
