package cpcads.flink.ranking;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.RowData;

/**
 * One version of a campaign, in the words of the rankings. Without candidates when it may not serve. What is null in the
 * record, against the contract, gives no candidate.
 */
record Snapshot(long version, String advertiserId, String targeting, long startAt, long endAt,
    List<Candidate> candidates) {
  private static final String ENABLED = "enabled";
  private static final int AD_COLUMNS = 3;
  private static final int BID_COLUMNS = 2;

  /** An ad on one placement, under one target. */
  record Candidate(String adId, String productId, String placement, String target, long maxCpcKrw) {}

  static Snapshot of(String homeTarget, Long version, String advertiserId, String status, ArrayData ads,
      ArrayData keywords, ArrayData bids, String targeting, Long startAt, Long endAt) {
    List<Candidate> candidates = new ArrayList<>();
    boolean serves = ENABLED.equals(status) && advertiserId != null && startAt != null && endAt != null;
    if (serves && ads != null && bids != null) {
      List<String> words = distinct(keywords);
      for (int i = 0; i < ads.size(); i++) {
        if (!ads.isNullAt(i)) addCandidates(candidates, homeTarget, ads.getRow(i, AD_COLUMNS), words, bids);
      }
    }
    return new Snapshot(version, advertiserId == null ? "" : advertiserId, targeting, startAt == null ? 0 : startAt,
        endAt == null ? 0 : endAt, List.copyOf(candidates));
  }

  private static void addCandidates(List<Candidate> candidates, String homeTarget, RowData ad, List<String> keywords,
      ArrayData bids) {
    if (ad.isNullAt(0) || ad.isNullAt(1)) return;
    String adId = ad.getString(0).toString();
    String productId = ad.getString(1).toString();
    String categoryId = ad.isNullAt(2) ? null : ad.getString(2).toString();
    for (int i = 0; i < bids.size(); i++) {
      if (bids.isNullAt(i)) continue;
      RowData bid = bids.getRow(i, BID_COLUMNS);
      if (bid.isNullAt(0) || bid.isNullAt(1)) continue;
      String placement = bid.getString(0).toString();
      for (String target : targetsOf(placement, homeTarget, categoryId, keywords)) {
        candidates.add(new Candidate(adId, productId, placement, target, bid.getLong(1)));
      }
    }
  }

  private static List<String> targetsOf(String placement, String homeTarget, String categoryId, List<String> keywords) {
    return switch (placement) {
      case "HOME" -> List.of(homeTarget);
      case "SEARCH" -> keywords;
      default -> categoryId == null ? List.of() : List.of(categoryId);
    };
  }

  private static List<String> distinct(ArrayData keywords) {
    LinkedHashSet<String> found = new LinkedHashSet<>();
    for (int i = 0; keywords != null && i < keywords.size(); i++) {
      if (!keywords.isNullAt(i)) found.add(keywords.getString(i).toString());
    }
    return List.copyOf(found);
  }
}
