package cpcads.flink.ranking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The rule itself is proven against domain/ranking.ts by the tests of the statement; here is what they cannot see. */
class RankedAdsTest {
  private static final int PER_ADVERTISER = 3;
  private static final int DEPTH = 5;

  private RankedAds ads;

  @BeforeEach
  void empty() {
    ads = new RankedAds();
    ads.limit(PER_ADVERTISER, DEPTH);
  }

  private static RankedAd ad(String adId, String advertiserId, long rankScore, long parametersVersion) {
    return new RankedAd(adId, "campaign", advertiserId, "product", 100, 7, rankScore, 1, parametersVersion, 50, 1, 2,
        null);
  }

  private String adIds() {
    return String.join(" ", Pattern.compile("\"adId\":\"([^\"]*)\"").matcher(ads.json()).results()
        .map((MatchResult found) -> found.group(1)).toList());
  }

  @Test
  void standsBestFirstAndTiesByAdId() {
    ads.add(ad("b", "1", 10, 1));
    ads.add(ad("c", "2", 20, 1));
    ads.add(ad("a", "3", 10, 1));
    assertEquals("c a b", adIds());
  }

  @Test
  void holdsThreeAdsOfAnAdvertiserAndLetsTheFourthInWhenOneGoes() {
    for (String adId : List.of("a", "b", "c", "d")) ads.add(ad(adId, "1", 10, 1));
    ads.add(ad("e", "2", 1, 1));
    assertEquals("a b c e", adIds());
    ads.remove(ad("b", "1", 10, 1));
    assertEquals("a c d e", adIds());
  }

  @Test
  void isCutAtItsDepth() {
    for (int index = 0; index < 9; index++) ads.add(ad("ad-" + index, "advertiser-" + index, 10, 1));
    assertEquals("ad-0 ad-1 ad-2 ad-3 ad-4", adIds());
  }

  @Test
  void doesNotCareInWhichOrderAnEntryIsReplaced() {
    ads.add(ad("a", "1", 10, 1));
    ads.add(ad("a", "1", 30, 1));
    ads.remove(ad("a", "1", 10, 1));
    ads.remove(ad("b", "2", 20, 1));
    assertEquals("a", adIds());
    ads.add(ad("b", "2", 20, 1));
    assertEquals("a", adIds());
    ads.add(ad("b", "2", 25, 1));
    assertEquals("a b", adIds());
  }

  @Test
  void isUnknownWhileVersionsOfTheParametersMeet() {
    ads.add(ad("a", "1", 10, 1));
    ads.add(ad("b", "2", 10, 1));
    ads.remove(ad("a", "1", 10, 1));
    ads.add(ad("a", "1", 11, 2));
    assertNull(ads.json());
    ads.remove(ad("b", "2", 10, 1));
    ads.add(ad("b", "2", 12, 2));
    assertEquals("b a", adIds());
  }

  @Test
  void writesWhatJsonEscapes() {
    ads.add(new RankedAd("a\"\\\n", "c", "v", "상품 \u0001", 1, 2, 3, 4, 5, 6, 7, 8, "{\"hours\":[9]}"));
    assertEquals("[{\"adId\":\"a\\\"\\\\\\n\",\"campaignId\":\"c\",\"advertiserId\":\"v\","
        + "\"productId\":\"상품 \\u0001\",\"maxCpcKrw\":1,\"predictedCtrPpm\":2,\"rankScore\":3,\"campaignVersion\":4,"
        + "\"parametersVersion\":5,\"bidFloorKrw\":6,\"startAt\":7,\"endAt\":8,"
        + "\"targeting\":\"{\\\"hours\\\":[9]}\"}]", ads.json());
  }

  @Test
  void aCopyGoesItsOwnWay() {
    ads.add(ad("a", "1", 10, 1));
    RankedAds copy = RankedAdsSerializer.INSTANCE.copy(ads);
    assertNotSame(ads, copy);
    copy.add(ad("b", "2", 20, 1));
    assertEquals("a", adIds());
    ads = copy;
    assertEquals("b a", adIds());
  }

  @Test
  void survivesACheckpointWhateverWasAddedAndRemoved() throws IOException {
    Random random = new Random(7);
    List<RankedAd> present = new ArrayList<>();
    for (int step = 0; step < 2_000; step++) {
      if (random.nextInt(3) > 0 || present.isEmpty()) {
        RankedAd added = ad("ad-" + random.nextInt(300), "advertiser-" + random.nextInt(20), random.nextInt(50), 1);
        present.add(added);
        ads.add(added);
      } else {
        Collections.swap(present, random.nextInt(present.size()), present.size() - 1);
        ads.remove(present.remove(present.size() - 1));
      }
    }
    DataOutputSerializer out = new DataOutputSerializer(1_024);
    RankedAdsSerializer.INSTANCE.serialize(ads, out);
    RankedAds restored = RankedAdsSerializer.INSTANCE.deserialize(new DataInputDeserializer(out.getCopyOfBuffer()));
    assertEquals(ads.counted(), restored.counted());
    assertEquals(ads.json(), restored.json());
  }
}
