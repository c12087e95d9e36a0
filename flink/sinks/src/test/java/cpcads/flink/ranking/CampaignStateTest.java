package cpcads.flink.ranking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.io.IOException;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.junit.jupiter.api.Test;

/** The rule itself is proven against domain/ by the tests of the statement; here is what they cannot see. */
class CampaignStateTest {
  private static final int OFFER_CANDIDATES = 5;
  private static final int CANDIDATE_COLUMNS = 7;

  private final CampaignState campaign = new CampaignState();

  private static ArrayData array(Object... items) {
    return new GenericArrayData(items);
  }

  private static StringData text(String value) {
    return StringData.fromString(value);
  }

  private static RowData ad(String adId, String productId, String categoryId) {
    return GenericRowData.of(text(adId), text(productId), text(categoryId));
  }

  private static RowData bid(String placement, long maxCpcKrw) {
    return GenericRowData.of(text(placement), maxCpcKrw);
  }

  private static Snapshot snapshot(long version, String status, long maxCpcKrw) {
    return Snapshot.of("*", version, "advertiser", status, array(ad("a", "p", "shoes")),
        array(text("boots"), text("boots"), null, text("socks")),
        array(bid("HOME", maxCpcKrw), bid("CATEGORY", maxCpcKrw), bid("SEARCH", maxCpcKrw)), null, 1L, 2L);
  }

  /** `ad placement target price clicks weight`, one a line. */
  private String offered() {
    RowData offer = campaign.offer();
    if (offer == null) return null;
    ArrayData candidates = offer.getArray(OFFER_CANDIDATES);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < candidates.size(); i++) {
      RowData row = candidates.getRow(i, CANDIDATE_COLUMNS);
      lines.append(row.getString(0)).append(' ').append(row.getString(2)).append(' ').append(row.getString(3));
      lines.append(' ').append(row.getLong(4)).append(' ').append(row.getLong(5)).append(' ').append(row.getLong(6));
      lines.append('\n');
    }
    return lines.toString();
  }

  @Test
  void offersEachAdPerPlacementAndTargetEachKeywordOnce() {
    campaign.publish(snapshot(1, "enabled", 100));
    assertEquals("a HOME * 100 0 0\na CATEGORY shoes 100 0 0\na SEARCH boots 100 0 0\na SEARCH socks 100 0 0\n",
        offered());
  }

  @Test
  void theHighestVersionCountsInWhicheverOrderTheyCome() {
    campaign.publish(snapshot(2, "enabled", 200));
    campaign.publish(snapshot(1, "enabled", 100));
    assertEquals("a HOME * 200 0 0", offered().lines().findFirst().orElseThrow());
    campaign.publish(snapshot(3, "paused", 300));
    assertNull(offered());
    campaign.publish(snapshot(4, "enabled", 400));
    assertEquals("a HOME * 400 0 0", offered().lines().findFirst().orElseThrow());
  }

  @Test
  void isStoppedByMoneyByAVersionOfItsOwn() {
    campaign.stop(5, true);
    campaign.publish(snapshot(1, "enabled", 100));
    assertNull(offered());
    campaign.stop(4, false);
    assertNull(offered());
    campaign.stop(6, false);
    assertEquals(4, offered().lines().count());
  }

  @Test
  void countsGoToTheirPlacementAndSameCountsAreNoStep() {
    campaign.count("a", "CATEGORY", 3L, 4_000L);
    campaign.count("unknown", "HOME", 1L, 1L);
    campaign.publish(snapshot(1, "enabled", 100));
    assertEquals("a CATEGORY shoes 100 3 4000", offered().lines().skip(1).findFirst().orElseThrow());
    RowData before = campaign.offer();
    campaign.count("a", "CATEGORY", 3L, 4_000L);
    assertSame(before, campaign.offer());
    campaign.count("a", "CATEGORY", 4L, 4_000L);
    assertEquals("a CATEGORY shoes 100 4 4000", offered().lines().skip(1).findFirst().orElseThrow());
  }

  @Test
  void whatIsMissingInARecordGivesNoCandidate() {
    GenericRowData withoutCategory = GenericRowData.of(text("b"), text("p"), null);
    GenericRowData withoutId = GenericRowData.of(null, text("p"), text("shoes"));
    campaign.publish(Snapshot.of("*", 1L, "advertiser", "enabled", array(withoutCategory, withoutId, null), null,
        array(bid("HOME", 100), bid("CATEGORY", 100), bid("SEARCH", 100), null), null, 1L, 2L));
    assertEquals("b HOME * 100 0 0\n", offered());
    campaign.publish(Snapshot.of("*", 2L, null, "enabled", array(ad("a", "p", "c")), null, array(bid("HOME", 1)), null,
        1L, 2L));
    assertNull(offered());
  }

  @Test
  void survivesACheckpointAndACopyGoesItsOwnWay() throws IOException {
    campaign.publish(snapshot(7, "enabled", 100));
    campaign.stop(3, false);
    campaign.count("a", "HOME", 2L, 5_000L);
    DataOutputSerializer out = new DataOutputSerializer(64);
    CampaignStateSerializer.INSTANCE.serialize(campaign, out);
    CampaignState restored = CampaignStateSerializer.INSTANCE.deserialize(new DataInputDeserializer(out.getCopyOfBuffer()));
    for (CampaignState other : List.of(restored, CampaignStateSerializer.INSTANCE.copy(campaign))) {
      assertEquals(campaign.offer(), other.offer());
      other.stop(3, true);
      assertEquals(campaign.offer(), other.offer());
      other.stop(4, true);
      assertNull(other.offer());
    }
    assertEquals(4, offered().lines().count());
  }
}
