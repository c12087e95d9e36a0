package cpcads.flink.redis;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What Redis should hold, and which part of it Redis has not confirmed yet. A null value is a delete. Shared by
 * Flink's thread (puts, snapshots) and the one that talks to Redis (takes, confirms); nobody waits inside for Redis.
 * Memory is bounded by the number of distinct keys: only the last value of a key is kept.
 */
final class KeyBook {
  private final boolean mirror;
  private final Map<String, String> unconfirmed = new LinkedHashMap<>();
  /** All present values; filled for a mirror only. */
  private final Map<String, String> present = new HashMap<>();

  KeyBook(boolean mirror) {
    this.mirror = mirror;
  }

  /** A value that Redis is known to hold already is no change. */
  synchronized void put(String key, String value) {
    if (mirror) {
      String before = value == null ? present.remove(key) : present.put(key, value);
      if (Objects.equals(before, value) && !unconfirmed.containsKey(key)) return;
    }
    unconfirmed.put(key, value);
    notifyAll();
  }

  /** Values of a checkpoint: Redis may or may not have them, so all of them are written again. */
  synchronized void restore(Map<String, String> values) {
    unconfirmed.putAll(values);
    if (mirror) values.forEach((key, value) -> present.compute(key, (k, before) -> value));
  }

  /** Redis came back empty or is another one. */
  synchronized int markAllUnconfirmed() {
    present.forEach(unconfirmed::putIfAbsent);
    return present.size();
  }

  /** Left over from a time before this writer: nobody else will ever delete it. */
  synchronized boolean deleteIfUnknown(String key) {
    if (present.containsKey(key) || unconfirmed.containsKey(key)) return false;
    unconfirmed.put(key, null);
    return true;
  }

  /** The oldest unconfirmed changes, at most `maxRows`, and not much more than `maxChars` of values. */
  synchronized Map<String, String> nextBatch(int maxRows, int maxChars) {
    Map<String, String> batch = new LinkedHashMap<>();
    int chars = 0;
    for (Map.Entry<String, String> entry : unconfirmed.entrySet()) {
      if (batch.size() == maxRows || chars > maxChars) break;
      batch.put(entry.getKey(), entry.getValue());
      if (entry.getValue() != null) chars += entry.getValue().length();
    }
    return batch;
  }

  /** Redis has these. A key that changed again in the meantime stays unconfirmed. */
  synchronized void confirm(Map<String, String> batch) {
    batch.forEach((key, value) -> {
      if (unconfirmed.containsKey(key) && Objects.equals(unconfirmed.get(key), value)) unconfirmed.remove(key);
    });
    if (unconfirmed.isEmpty()) notifyAll();
  }

  /** Waits until something is unconfirmed; false when nothing was within the time. */
  synchronized boolean awaitChange(long timeoutMs) throws InterruptedException {
    if (unconfirmed.isEmpty()) wait(timeoutMs);
    return !unconfirmed.isEmpty();
  }

  /** Waits until Redis has confirmed everything, at most this long. */
  synchronized boolean awaitConfirmed(long timeoutMs) throws InterruptedException {
    if (!unconfirmed.isEmpty()) wait(timeoutMs);
    return unconfirmed.isEmpty();
  }

  synchronized int unconfirmedCount() {
    return unconfirmed.size();
  }

  /** State of a checkpoint, in pieces, so that no single array has to hold everything. */
  synchronized List<Map<String, String>> snapshot(int pieceSize) {
    Map<String, String> all = new LinkedHashMap<>(present);
    all.putAll(unconfirmed);
    List<Map<String, String>> pieces = new ArrayList<>();
    Map<String, String> piece = new LinkedHashMap<>();
    for (Map.Entry<String, String> entry : all.entrySet()) {
      piece.put(entry.getKey(), entry.getValue());
      if (piece.size() == pieceSize) {
        pieces.add(piece);
        piece = new LinkedHashMap<>();
      }
    }
    // An empty mirror still writes a piece: having state is what tells a restore from a fresh start.
    if (!piece.isEmpty() || pieces.isEmpty()) pieces.add(piece);
    return pieces;
  }
}
