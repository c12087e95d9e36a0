package cpcads.flink.postgres;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rows that PostgreSQL has not confirmed: the last one of each key. Shared by Flink's thread (puts, snapshots) and
 * the one that talks to PostgreSQL (takes, confirms). Rows that PostgreSQL refused stand aside and are taken again
 * later, so they neither hold up the others nor get lost.
 */
final class RowBook {
  private final int maxRows;
  private final Map<List<Object>, Row> waiting = new LinkedHashMap<>();
  private final Map<List<Object>, Row> refused = new LinkedHashMap<>();

  RowBook(int maxRows) {
    this.maxRows = maxRows;
  }

  /**
   * Notes a row; waits at most this long for room when the book is full and the key is a new one.
   *
   * @return false when there was no room.
   */
  synchronized boolean put(Row row, long timeoutMs) throws InterruptedException {
    if (!hasRoomFor(row)) wait(timeoutMs);
    if (!hasRoomFor(row)) return false;
    refused.remove(row.key());
    // To the end: the order of the keys is the order of their last change.
    waiting.remove(row.key());
    waiting.put(row.key(), row);
    notifyAll();
    return true;
  }

  private boolean hasRoomFor(Row row) {
    return waiting.size() + refused.size() < maxRows || waiting.containsKey(row.key()) || refused.containsKey(row.key());
  }

  /** Rows of a checkpoint: PostgreSQL may or may not have them, so all of them are written again. */
  synchronized void restore(Collection<Row> rows) {
    for (Row row : rows) waiting.put(row.key(), row);
  }

  /** The rows that wait longest. */
  synchronized List<Row> nextBatch(int size) {
    List<Row> batch = new ArrayList<>(Math.min(size, waiting.size()));
    for (Row row : waiting.values()) {
      if (batch.size() == size) break;
      batch.add(row);
    }
    return batch;
  }

  /** PostgreSQL has these. A key that changed again in the meantime stays. */
  synchronized void confirm(List<Row> batch) {
    for (Row row : batch) waiting.remove(row.key(), row);
    notifyAll();
  }

  /** PostgreSQL does not take this one. A key that changed again in the meantime gets another try with its new row. */
  synchronized void setAside(Row row) {
    if (waiting.remove(row.key(), row)) refused.put(row.key(), row);
    notifyAll();
  }

  /** Takes the rows that stand aside longest back into the queue. */
  synchronized void retryRefused(int size) {
    Iterator<Row> oldest = refused.values().iterator();
    for (int left = size; left > 0 && oldest.hasNext(); left--) {
      Row row = oldest.next();
      oldest.remove();
      waiting.put(row.key(), row);
    }
  }

  /** Waits until a row waits to be written; false when none did within the time. */
  synchronized boolean awaitRow(long timeoutMs) throws InterruptedException {
    if (waiting.isEmpty()) wait(timeoutMs);
    return !waiting.isEmpty();
  }

  /** Waits until nothing but refused rows is left, at most this long. */
  synchronized boolean awaitWritten(long timeoutMs) throws InterruptedException {
    if (!waiting.isEmpty()) wait(timeoutMs);
    return waiting.isEmpty();
  }

  synchronized int waitingCount() {
    return waiting.size();
  }

  synchronized int refusedCount() {
    return refused.size();
  }

  /** State of a checkpoint, in pieces, so that no single array has to hold everything. */
  synchronized List<List<Row>> snapshot(int pieceSize) {
    List<Row> all = new ArrayList<>(refused.values());
    all.addAll(waiting.values());
    List<List<Row>> pieces = new ArrayList<>();
    for (int from = 0; from < all.size(); from += pieceSize) {
      pieces.add(List.copyOf(all.subList(from, Math.min(all.size(), from + pieceSize))));
    }
    return pieces;
  }
}
