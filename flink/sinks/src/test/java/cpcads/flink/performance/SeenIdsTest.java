package cpcads.flink.performance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.table.api.dataview.MapView;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SeenIdsTest {
  private static final long GENERATION = 40_000;

  private final SeenIds seen = new SeenIds();
  private MapView<Long, long[]> buckets;

  @BeforeEach
  void empty() {
    buckets = new MapView<>();
  }

  @Test
  void eachIdIsTheFirstOnce() throws Exception {
    int ids = 50_000;
    for (int i = 0; i < ids; i++) assertTrue(isFirst("viewed:" + i, GENERATION), "first " + i);
    for (int i = 0; i < ids; i++) assertFalse(isFirst("viewed:" + i, GENERATION), "again " + i);
    assertEquals(ids, idsHeld());
  }

  @Test
  void bucketsStaySmallHoweverManyIdsThereAre() throws Exception {
    for (int i = 0; i < 50_000; i++) isFirst("viewed:" + i, GENERATION);
    int longest = 0;
    for (Map.Entry<Long, long[]> bucket : buckets.entries())
      if (bucket.getKey() >= 0) longest = Math.max(longest, bucket.getValue().length / 2);
    // Those that are still to be split hold twice as many on average.
    assertTrue(longest < 5 * SeenIds.FILL, "longest " + longest);
  }

  @Test
  void anIdIsKnownInTheTwoGenerationsAfterItsOwn() throws Exception {
    for (int i = 0; i < 1_000; i++) isFirst("viewed:" + i, GENERATION);
    assertFalse(isFirst("viewed:1", GENERATION + 1));
    assertFalse(isFirst("viewed:2", GENERATION + 2));
    assertTrue(isFirst("viewed:3", GENERATION + 3));
    assertFalse(isFirst("viewed:3", GENERATION + 3));
  }

  @Test
  void theGenerationThatIsOverIsFreed() throws Exception {
    for (int i = 0; i < 10_000; i++) isFirst("viewed:" + i, GENERATION);
    for (int i = 0; i < 100; i++) isFirst("clicked:" + i, GENERATION + 2);
    assertEquals(10_100, idsHeld());
    isFirst("clicked:late", GENERATION + 3);
    assertEquals(101, idsHeld());
    isFirst("clicked:years later", 10 * GENERATION);
    assertEquals(1, idsHeld());
  }

  @Test
  void aClockThatGoesBackForgetsNothing() throws Exception {
    isFirst("viewed:1", GENERATION + 1);
    assertFalse(isFirst("viewed:1", GENERATION));
    assertTrue(isFirst("viewed:2", GENERATION));
    assertFalse(isFirst("viewed:2", GENERATION + 3));
  }

  @Test
  void anAddressIsBelowTheNumberAndMovesOnlyWhenItsBucketIsSplit() {
    for (long hash : new long[] {0, 1, -1, Long.MIN_VALUE, 0x9e3779b97f4a7c15L}) {
      for (long number = 1; number < 300; number++) {
        long before = SeenIds.addressOf(hash, number);
        long after = SeenIds.addressOf(hash, number + 1);
        assertTrue(before >= 0 && before < number);
        assertTrue(after == before || after == number);
        if (after != before) assertEquals(number - Long.highestOneBit(number), before);
      }
    }
  }

  private boolean isFirst(String id, long generation) throws Exception {
    long[] notes = LaneNotes.read(buckets);
    boolean first = seen.isFirst(id.getBytes(StandardCharsets.UTF_8), generation, notes, buckets);
    LaneNotes.write(notes, buckets);
    return first;
  }

  private int idsHeld() throws Exception {
    Map<Long, long[]> held = new HashMap<>(buckets.getMap());
    held.keySet().removeIf(key -> key < 0);
    return held.values().stream().mapToInt(ids -> ids.length / 2).sum();
  }
}
