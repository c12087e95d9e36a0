package cpcads.flink.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class KeyBookTest {
  private final AtomicLong now = new AtomicLong(1_000_000);

  private KeyBook mirror() {
    return new KeyBook(new KeyBook.Bounds(true, Duration.ZERO, 2, 10), now::get);
  }

  private KeyBook plain(Duration ttl, int maxKeys, long maxBytes) {
    return new KeyBook(new KeyBook.Bounds(false, ttl, maxKeys, maxBytes), now::get);
  }

  @Test
  void theLastValueOfAKeyIsWritten() throws InterruptedException {
    KeyBook book = plain(Duration.ZERO, 10, 1_000);
    book.put("a", "1", 0);
    book.put("b", "2", 0);
    book.put("a", "3", 0);
    assertEquals(List.of("a", "b"), List.copyOf(book.nextBatch(10, 100).keySet()));
    assertEquals("3", book.nextBatch(10, 100).get("a").value());
  }

  @Test
  void aKeyThatChangedWhileItWasWrittenStaysUnconfirmedEvenWithTheSameValue() throws InterruptedException {
    KeyBook book = plain(Duration.ofMinutes(15), 10, 1_000);
    book.put("a", "1", 0);
    Map<String, Change> sent = book.nextBatch(10, 100);
    book.put("a", "1", 0);
    book.confirm(sent);
    assertEquals(1, book.unconfirmedCount());
    book.confirm(book.nextBatch(10, 100));
    assertEquals(0, book.unconfirmedCount());
    assertEquals(0, book.unconfirmedBytes());
  }

  @Test
  void whatAMirrorHasWrittenIsNoChange() throws InterruptedException {
    KeyBook book = mirror();
    book.put("a", "1", 0);
    book.confirm(book.nextBatch(10, 100));
    book.put("a", "1", 0);
    assertEquals(0, book.unconfirmedCount());
    book.put("a", null, 0);
    assertTrue(book.nextBatch(10, 100).containsKey("a"));
    assertNull(book.nextBatch(10, 100).get("a").value());
  }

  @Test
  void aMirrorNeverWaitsForRoom() throws InterruptedException {
    KeyBook book = mirror();
    for (int i = 0; i < 1_000; i++) assertTrue(book.put("key " + i, "a value beyond the bound", 0));
    assertEquals(1_000, book.unconfirmedCount());
  }

  @Test
  void aFullBookTakesNoNewKeyUntilSomeAreConfirmed() throws InterruptedException {
    KeyBook book = plain(Duration.ZERO, 2, 1_000);
    assertTrue(book.put("a", "1", 0));
    assertTrue(book.put("b", "1", 0));
    assertFalse(book.put("c", "1", 1));
    assertTrue(book.put("b", "2", 1), "a key that waits already takes no room");
    book.confirm(book.nextBatch(1, 100));
    assertTrue(book.put("c", "1", 1));
  }

  @Test
  void bytesAreBoundedToo() throws InterruptedException {
    KeyBook book = plain(Duration.ZERO, 100, 10);
    assertTrue(book.put("a", "a value that is larger than the bound", 0), "alone it has to pass");
    assertFalse(book.put("b", "", 1));
    assertFalse(book.put("a", "a value that is larger than the bound, and grows", 1));
    assertTrue(book.put("a", "shrinks", 1));
    assertTrue(book.put("b", "2", 1));
    assertEquals(10, book.unconfirmedBytes());
  }

  @Test
  void bytesAreThoseOfUtf8() {
    for (String text : List.of("", "abc", "é", "운동화", "👟a", "a\nb")) {
      assertEquals(text.getBytes(java.nio.charset.StandardCharsets.UTF_8).length + 1, Change.bytes("k", text), text);
    }
  }

  @Test
  void waitingForRoomCanBeInterrupted() throws InterruptedException {
    KeyBook book = plain(Duration.ZERO, 1, 1_000);
    book.put("a", "1", 0);
    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, () -> book.put("b", "1", 60_000));
  }

  @Test
  void aValueThatOutlivedItsTtlIsForgottenAndGivesRoom() throws InterruptedException {
    KeyBook book = plain(Duration.ofSeconds(10), 2, 1_000);
    book.put("a", "1", 0);
    now.addAndGet(6_000);
    book.put("b", "1", 0);
    assertFalse(book.put("c", "1", 1));
    now.addAndGet(5_000);
    assertTrue(book.put("c", "1", 0), "a is 11 s old");
    assertEquals(1, book.expiredCount());
    assertEquals(List.of("b", "c"), List.copyOf(book.nextBatch(10, 100).keySet()));
    now.addAndGet(10_000);
    assertTrue(book.nextBatch(10, 100).isEmpty());
    assertEquals(0, book.unconfirmedBytes());
  }

  @Test
  void aBatchEndsAtItsBoundsButHoldsAtLeastOneValue() throws InterruptedException {
    KeyBook book = plain(Duration.ZERO, 100, 1_000);
    book.put("big", "x".repeat(50), 0);
    book.put("b", "123", 0);
    book.put("c", "123", 0);
    assertEquals(List.of("big"), List.copyOf(book.nextBatch(10, 5).keySet()));
    book.confirm(book.nextBatch(10, 5));
    assertEquals(List.of("b"), List.copyOf(book.nextBatch(10, 5).keySet()));
    assertEquals(List.of("b"), List.copyOf(book.nextBatch(1, 100).keySet()));
  }

  @Test
  void aSnapshotHoldsEverythingInPiecesAndAtLeastOne() throws InterruptedException {
    KeyBook book = mirror();
    assertEquals(List.of(Map.of()), book.snapshot(2));
    for (int i = 0; i < 5; i++) book.put("k" + i, "v", 0);
    book.confirm(book.nextBatch(10, 100));
    book.put("k0", null, 0);
    List<Map<String, Change>> pieces = book.snapshot(2);
    assertEquals(List.of(2, 2, 1), pieces.stream().map(Map::size).toList());
    KeyBook heir = mirror();
    pieces.forEach(heir::restore);
    assertEquals(5, heir.unconfirmedCount());
    assertNull(heir.nextBatch(10, 100).get("k0").value());
    heir.confirm(heir.nextBatch(10, 100));
    assertEquals(4, heir.markAllUnconfirmed());
  }

  @Test
  void onlyUnknownKeysAreSweptAway() throws InterruptedException {
    KeyBook book = mirror();
    book.put("mine", "1", 0);
    book.confirm(book.nextBatch(10, 100));
    assertFalse(book.deleteIfUnknown("mine"));
    assertTrue(book.deleteIfUnknown("left over"));
    book.put("left over", "mine too", 0);
    assertEquals("mine too", book.nextBatch(10, 100).get("left over").value());
  }
}
