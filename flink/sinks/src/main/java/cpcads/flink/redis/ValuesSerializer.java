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

/** Keys and values as length and UTF-8 bytes; length -1 is a value that is to be deleted. */
final class ValuesSerializer implements SimpleVersionedSerializer<Map<String, String>> {
  private static final int DELETED = -1;

  @Override
  public int getVersion() {
    return 1;
  }

  @Override
  public byte[] serialize(Map<String, String> values) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(values.size());
    for (Map.Entry<String, String> entry : values.entrySet()) {
      writeText(out, entry.getKey());
      writeText(out, entry.getValue());
    }
    return bytes.toByteArray();
  }

  @Override
  public Map<String, String> deserialize(int version, byte[] serialized) throws IOException {
    if (version != getVersion()) throw new IOException("unknown version of redis sink state: " + version);
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(serialized));
    Map<String, String> values = new LinkedHashMap<>();
    for (int left = in.readInt(); left > 0; left--) values.put(readText(in), readText(in));
    return values;
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
    byte[] utf8 = new byte[length];
    in.readFully(utf8);
    return new String(utf8, StandardCharsets.UTF_8);
  }
}
