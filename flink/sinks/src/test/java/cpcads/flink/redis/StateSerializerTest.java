package cpcads.flink.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StateSerializerTest {
  private final StateSerializer serializer = new StateSerializer("{t}:");

  private static Map<String, Change> changes() {
    Map<String, Change> changes = new LinkedHashMap<>();
    changes.put("{t}:", new Change("", 1));
    changes.put("{t}:운동화\n👟", new Change("[\"값\"]", 2));
    changes.put("{t}:gone", new Change(null, 3));
    changes.put("{t}:big", new Change("x".repeat(5_000_000), Long.MAX_VALUE));
    return changes;
  }

  @Test
  void whatGoesInComesOut() throws IOException {
    SinkState state = new SinkState(1_763_000_000_000L, true, changes());
    assertEquals(state, serializer.deserialize(serializer.getVersion(), serializer.serialize(state)));
    SinkState empty = new SinkState(1, false, Map.of());
    assertEquals(empty, serializer.deserialize(2, serializer.serialize(empty)));
  }

  @Test
  void aTableMayGetAnotherPrefix() throws IOException {
    byte[] bytes = serializer.serialize(new SinkState(1, false, changes()));
    SinkState moved = new StateSerializer("{u}:").deserialize(2, bytes);
    assertTrue(moved.changes().keySet().stream().allMatch(key -> key.startsWith("{u}:")), moved.changes().keySet().toString());
    assertEquals("[\"값\"]", moved.changes().get("{u}:운동화\n👟").value());
  }

  @Test
  void stateOfTheFirstVersionIsRead() throws IOException {
    SinkState state = serializer.deserialize(1, firstVersion("{t}:a", "1", "{t}:b", null));
    assertEquals("1", state.changes().get("{t}:a").value());
    assertEquals(null, state.changes().get("{t}:b").value());
    assertEquals(2, state.changes().size());
    assertEquals(0, state.token());
  }

  @Test
  void stateOfAnotherTableIsRefusedInsteadOfWritten() {
    IOException refusal = assertThrows(IOException.class, () -> serializer.deserialize(1, firstVersion("ranking:a", "1")));
    assertTrue(refusal.getMessage().contains("without its state"), refusal.getMessage());
  }

  @Test
  void damagedOrUnknownStateIsRefused() throws IOException {
    byte[] bytes = serializer.serialize(new SinkState(1, false, changes()));
    assertThrows(IOException.class, () -> serializer.deserialize(2, Arrays.copyOf(bytes, bytes.length - 100)));
    assertThrows(IOException.class, () -> serializer.deserialize(3, bytes));
  }

  /** As the program before wrote it. */
  private static byte[] firstVersion(String... texts) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(texts.length / 2);
    for (String text : texts) {
      byte[] utf8 = text == null ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
      out.writeInt(text == null ? -1 : utf8.length);
      out.write(utf8);
    }
    return bytes.toByteArray();
  }
}
