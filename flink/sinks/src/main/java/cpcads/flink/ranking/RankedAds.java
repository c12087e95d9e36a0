package cpcads.flink.ranking;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * All ads that compete for one key, best first, and the ranking made of them. An ad counts as often as it was added
 * less removed: a removal that comes before its addition leaves -1, and the two cancel out. Entries never change, so
 * copies share them.
 */
public final class RankedAds {
  private final TreeMap<RankedAd, Integer> ads;
  /** How many entries each version of the parameters has. */
  private final Map<Long, Integer> parameterVersions;
  private int perAdvertiser;
  private int depth;
  /** What {@link #json} made last, as long as it holds. */
  private String written;
  private boolean current;

  RankedAds() {
    this.ads = new TreeMap<>(RankedAd.BEST_FIRST);
    this.parameterVersions = new HashMap<>();
  }

  RankedAds(RankedAds other) {
    this.ads = new TreeMap<>(other.ads);
    this.parameterVersions = new HashMap<>(other.parameterVersions);
    this.perAdvertiser = other.perAdvertiser;
    this.depth = other.depth;
    this.written = other.written;
    this.current = other.current;
  }

  /** The same for every entry of a key. */
  void limit(int perAdvertiser, int depth) {
    this.perAdvertiser = perAdvertiser;
    this.depth = depth;
  }

  int perAdvertiser() {
    return perAdvertiser;
  }

  int depth() {
    return depth;
  }

  Map<RankedAd, Integer> counted() {
    return ads;
  }

  void add(RankedAd ad) {
    count(ad, 1);
  }

  void remove(RankedAd ad) {
    count(ad, -1);
  }

  void count(RankedAd ad, int times) {
    current = false;
    ads.merge(ad, times, RankedAds::sumOrNone);
    parameterVersions.merge(ad.parametersVersion(), times, RankedAds::sumOrNone);
  }

  private static Integer sumOrNone(int before, int times) {
    return before + times == 0 ? null : before + times;
  }

  /** At most so many ads of an advertiser, then the best so many; null while versions of the parameters are mixed. */
  String json() {
    if (!current) {
      written = parameterVersions.size() > 1 ? null : write();
      current = true;
    }
    return written;
  }

  private String write() {
    Map<String, Integer> taken = new HashMap<>();
    StringBuilder json = new StringBuilder("[");
    int entries = 0;
    for (Map.Entry<RankedAd, Integer> counted : ads.entrySet()) {
      RankedAd ad = counted.getKey();
      if (counted.getValue() < 1 || taken.merge(ad.advertiserId(), 1, Integer::sum) > perAdvertiser) continue;
      if (entries++ > 0) json.append(',');
      ad.appendJson(json);
      if (entries == depth) break;
    }
    return json.append(']').toString();
  }
}
