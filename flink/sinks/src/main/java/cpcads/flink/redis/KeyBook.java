package cpcads.flink.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * What Redis should hold, and which part of it Redis has not confirmed yet. Shared by Flink's thread (puts, snapshots)
 * and the one that talks to Redis (takes, confirms); nobody waits inside for Redis, except a put into a full book.
 *
 * <p>Only the last value of a key is kept. The unconfirmed ones are bounded by number and bytes; those of a mirror
 * are not, since it holds all of its keys anyway. What has outlived its TTL is forgotten: nobody would see it.
 */
final class KeyBook {
  /** @param ttl zero: for ever. */
  record Bounds(boolean mirror, Duration ttl, int maxKeys, long maxBytes) {}

  private final Bounds bounds;
  private final LongSupplier clock;
  private final Map<String, Change> unconfirmed = new LinkedHashMap<>();
  /** All present values; filled for a mirror only. */
  private final Map<String, String> present = new HashMap<>();
  private long unconfirmedBytes;
  private long expired;
  /** No change is older than this, so that not every look for expired ones has to look at all. */
  private long noneBefore = Long.MAX_VALUE;
  private long newKeyAtNanos = System.nanoTime();

  /** @param clock epoch ms. */
  KeyBook(Bounds bounds, LongSupplier clock) {
    this.bounds = bounds;
    this.clock = clock;
  }

  /**
   * A value that Redis is known to hold already is no change for a mirror. Waits at most this long for room.
   *
   * @param value null: delete.
   * @return false when there was no room.
   */
  synchronized boolean put(String key, String value, long timeoutMs) throws InterruptedException {
    if (bounds.mirror()) {
      note(key, value);
      return true;
    }
    if (!hasRoomFor(key, value)) {
      forgetExpired();
      if (!hasRoomFor(key, value)) wait(timeoutMs);
      if (!hasRoomFor(key, value)) return false;
    }
    change(key, value);
    return true;
  }

  private void note(String key, String value) {
    boolean known = present.containsKey(key);
    String before = value == null ? present.remove(key) : present.put(key, value);
    if (!known && value != null) newKeyAtNanos = System.nanoTime();
    Change waiting = unconfirmed.get(key);
    if (waiting == null ? !Objects.equals(before, value) : !Objects.equals(waiting.value(), value)) change(key, value);
  }

  private void change(String key, String value) {
    set(key, new Change(value, clock.getAsLong()));
    notifyAll();
  }

  private boolean hasRoomFor(String key, String value) {
    // One value that is larger than the bound still has to pass.
    if (unconfirmed.isEmpty()) return true;
    Change before = unconfirmed.get(key);
    long grows = Change.bytes(key, value) - (before == null ? 0 : Change.bytes(key, before.value()));
    return (before != null || unconfirmed.size() < bounds.maxKeys())
        && (grows <= 0 || unconfirmedBytes + grows <= bounds.maxBytes());
  }

  private void set(String key, Change change) {
    Change before = unconfirmed.put(key, change);
    if (before != null) unconfirmedBytes -= Change.bytes(key, before.value());
    unconfirmedBytes += Change.bytes(key, change.value());
    noneBefore = Math.min(noneBefore, change.atMs());
  }

  /** Values of a checkpoint: Redis may or may not have them, so all of them are written again. */
  synchronized void restore(Map<String, Change> changes) {
    changes.forEach((key, change) -> {
      set(key, change);
      if (bounds.mirror()) present.compute(key, (k, before) -> change.value());
    });
  }

  /** Redis came back empty or is another one. */
  synchronized int markAllUnconfirmed() {
    long now = clock.getAsLong();
    present.forEach((key, value) -> {
      if (!unconfirmed.containsKey(key)) set(key, new Change(value, now));
    });
    return present.size();
  }

  /** Left over from a time before this writer: nobody else will ever delete it. */
  synchronized boolean deleteIfUnknown(String key) {
    if (present.containsKey(key) || unconfirmed.containsKey(key)) return false;
    change(key, null);
    return true;
  }

  /** The oldest unconfirmed changes, at most `maxRows`, and not much more than `maxChars` of values. */
  synchronized Map<String, Change> nextBatch(int maxRows, int maxChars) {
    forgetExpired();
    Map<String, Change> batch = new LinkedHashMap<>();
    long chars = 0;
    for (Map.Entry<String, Change> entry : unconfirmed.entrySet()) {
      String value = entry.getValue().value();
      if (value != null) chars += value.length();
      if (batch.size() == maxRows || (chars > maxChars && !batch.isEmpty())) break;
      batch.put(entry.getKey(), entry.getValue());
    }
    return batch;
  }

  private void forgetExpired() {
    long bornAfter = bounds.ttl().isZero() ? Long.MIN_VALUE : clock.getAsLong() - bounds.ttl().toMillis();
    if (noneBefore > bornAfter) return;
    noneBefore = Long.MAX_VALUE;
    for (Iterator<Map.Entry<String, Change>> left = unconfirmed.entrySet().iterator(); left.hasNext();) {
      Map.Entry<String, Change> entry = left.next();
      Change change = entry.getValue();
      if (change.atMs() > bornAfter) {
        noneBefore = Math.min(noneBefore, change.atMs());
      } else {
        unconfirmedBytes -= Change.bytes(entry.getKey(), change.value());
        left.remove();
        expired++;
      }
    }
    notifyAll();
  }

  /** Redis has these. A key that changed again in the meantime stays unconfirmed. */
  synchronized void confirm(Map<String, Change> batch) {
    batch.forEach((key, change) -> {
      if (unconfirmed.get(key) != change) return;
      unconfirmed.remove(key);
      unconfirmedBytes -= Change.bytes(key, change.value());
    });
    notifyAll();
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

  synchronized long unconfirmedBytes() {
    return unconfirmedBytes;
  }

  /** Values that outlived their TTL before Redis could take them. */
  synchronized long expiredCount() {
    return expired;
  }

  /** A mirror knows no key yet: whatever Redis holds cannot be compared with it. */
  synchronized boolean knowsNothing() {
    return present.isEmpty();
  }

  /** Since a key came that was not known before: a mirror that still reads its log finds new ones all the time. */
  synchronized long nanosSinceNewKey() {
    return System.nanoTime() - newKeyAtNanos;
  }

  /** State of a checkpoint, in pieces, so that no single array has to hold everything. At least one piece. */
  synchronized List<Map<String, Change>> snapshot(int pieceSize) {
    long now = clock.getAsLong();
    List<Map<String, Change>> pieces = new ArrayList<>();
    Map<String, Change> piece = new LinkedHashMap<>();
    pieces.add(piece);
    Map<String, Change> all = new LinkedHashMap<>();
    present.forEach((key, value) -> all.put(key, new Change(value, now)));
    all.putAll(unconfirmed);
    for (Map.Entry<String, Change> entry : all.entrySet()) {
      if (piece.size() == pieceSize) pieces.add(piece = new LinkedHashMap<>());
      piece.put(entry.getKey(), entry.getValue());
    }
    return pieces;
  }
}
