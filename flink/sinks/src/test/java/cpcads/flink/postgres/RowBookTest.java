package cpcads.flink.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class RowBookTest {
  private static Row row(long key, String value) {
    return new Row(List.of(key), new Object[] {key, value});
  }

  private static List<Object> values(List<Row> rows) {
    return rows.stream().map(row -> row.values()[1]).toList();
  }

  @Test
  void theLastRowOfAKeyIsWrittenInTheOrderOfLastChanges() throws InterruptedException {
    RowBook book = new RowBook(10);
    book.put(row(1, "a"), 0);
    book.put(row(2, "b"), 0);
    book.put(row(1, "c"), 0);
    assertEquals(List.of("b", "c"), values(book.nextBatch(10)));
  }

  @Test
  void aRowThatChangedWhileItWasWrittenStays() throws InterruptedException {
    RowBook book = new RowBook(10);
    book.put(row(1, "a"), 0);
    List<Row> sent = book.nextBatch(10);
    book.put(row(1, "b"), 0);
    book.confirm(sent);
    assertEquals(List.of("b"), values(book.nextBatch(10)));
  }

  @Test
  void refusedRowsStandAsideCountAndComeBack() throws InterruptedException {
    RowBook book = new RowBook(2);
    Row bad = row(1, "bad");
    book.put(bad, 0);
    book.put(row(2, "good"), 0);
    book.setAside(bad);
    assertEquals(List.of("good"), values(book.nextBatch(10)));
    assertEquals(1, book.refusedCount());
    assertFalse(book.put(row(3, "no room"), 1), "refused rows fill the book too");
    assertEquals(2, book.snapshot(10).get(0).size(), "and are part of each checkpoint");
    book.retryRefused(10);
    assertEquals(List.of("good", "bad"), values(book.nextBatch(10)));
    book.setAside(bad);
    assertTrue(book.put(row(1, "repaired"), 0), "a newer row of the key replaces it");
    assertEquals(0, book.refusedCount());
  }

  @Test
  void waitingForRoomCanBeInterrupted() throws InterruptedException {
    RowBook book = new RowBook(1);
    book.put(row(1, "a"), 0);
    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, () -> book.put(row(2, "b"), 60_000));
  }

  @Test
  void aSnapshotComesBackWhole() throws InterruptedException {
    RowBook book = new RowBook(10);
    for (long key = 0; key < 5; key++) book.put(row(key, "v" + key), 0);
    List<List<Row>> pieces = book.snapshot(2);
    assertEquals(List.of(2, 2, 1), pieces.stream().map(List::size).toList());
    RowBook heir = new RowBook(10);
    pieces.forEach(heir::restore);
    assertEquals(values(book.nextBatch(10)), values(heir.nextBatch(10)));
  }
}
