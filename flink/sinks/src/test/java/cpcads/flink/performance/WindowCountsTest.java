package cpcads.flink.performance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cpcads.flink.performance.WindowCounts.Counts;
import org.apache.flink.table.data.StringData;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What windows come to is proven against domain/performance-window.ts; here is what those tests cannot see. */
class WindowCountsTest {
  private static final long STEP_MS = 10_000;

  private WindowCounts counts;

  @BeforeEach
  void empty() {
    counts = new WindowCounts();
  }

  @Test
  void aStepIsNewOnce() {
    assertTrue(counts.addToStep(STEP_MS, served(1)));
    assertFalse(counts.addToStep(STEP_MS, served(1)));
    assertTrue(counts.addToStep(2 * STEP_MS, served(1)));
  }

  @Test
  void aStepCountsWhenItIsOver() {
    counts.addToStep(2 * STEP_MS, served(4));
    counts.addToStep(STEP_MS, served(1));
    counts.addToStep(3 * STEP_MS, served(16));
    counts.addToStep(2 * STEP_MS, served(8));
    counts.closeSteps(2 * STEP_MS - 1);
    assertEquals(1, counts.served);
    counts.closeSteps(2 * STEP_MS);
    assertEquals(13, counts.served);
    counts.closeSteps(3 * STEP_MS);
    assertEquals(29, counts.served);
    assertNull(counts.open);
  }

  @Test
  void everyNumberIsCountedAsItself() {
    counts.addToStep(STEP_MS, new Counts(1, 2, 3, -4, -5_000));
    counts.add(new Counts(10, 20, 30, 40, 50_000));
    counts.closeSteps(STEP_MS);
    assertEquals(11, counts.served);
    assertEquals(22, counts.viewed);
    assertEquals(33, counts.clicks);
    assertEquals(36, counts.conversions);
    assertEquals(45_000, counts.valueKrw);
  }

  @Test
  void theGreatestCampaignStaysWhateverTheOrder() {
    for (String id : new String[] {"cmp_b", "cmp_c", "cmp_a"}) counts.campaign(StringData.fromString(id));
    assertEquals("cmp_c", counts.campaignId.toString());
  }

  private static Counts served(long number) {
    return new Counts(number, 0, 0, 0, 0);
  }
}
