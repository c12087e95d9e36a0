package cpcads.flink.performance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.apache.flink.table.data.StringData;
import org.junit.jupiter.api.Test;

class PlaceKeyTest {
  private final PlaceKey key = new PlaceKey();

  @Test
  void partsComeBackAsTheyWere() {
    for (String[] parts : new String[][] {
      {"ad_1", "cmp_1", "SEARCH"}, {"", "", ""}, {"광고", "캠페인 1", "홈"}, {"a".repeat(40_000), "c", "HOME"},
      {"ad_2", "c".repeat(300), "HOME"},
    }) {
      StringData[] found = PlaceKey.parts(of(parts[0], parts[1], parts[2]));
      assertEquals(parts[2], found[0].toString());
      assertEquals(parts[0], found[1].toString());
      assertEquals(parts[1], found[2].toString());
    }
  }

  @Test
  void textThatMovesFromOnePartToTheNextIsAnotherPlace() {
    assertNotEquals(of("ab", "c", "HOME"), of("a", "bc", "HOME"));
    assertNotEquals(of("a", "b", "HOME"), of("EaH", "b", "OM"));
    assertEquals(of("a", "b", "HOME"), new PlaceKey().of(text("a"), text("b"), text("HOME")));
  }

  private String of(String adId, String campaignId, String placement) {
    return key.of(text(adId), text(campaignId), text(placement));
  }

  private static StringData text(String text) {
    return StringData.fromString(text);
  }
}
