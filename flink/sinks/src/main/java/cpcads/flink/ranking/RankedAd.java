package cpcads.flink.ranking;

import java.util.Comparator;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.io.JsonStringEncoder;

/** One entry of a ranking; `RankingEntry` of contracts/ranking-entry.ts. `targeting` null: shown to everybody. */
record RankedAd(
    String adId,
    String campaignId,
    String advertiserId,
    String productId,
    long maxCpcKrw,
    long predictedCtrPpm,
    long rankScore,
    long campaignVersion,
    long parametersVersion,
    long bidFloorKrw,
    long startAt,
    long endAt,
    String targeting) {

  /**
   * Best first: the higher score, then the ad id. What follows only tells entries of one ad apart, so that the old one
   * is found again when it is taken back, in whichever order the new one comes.
   */
  static final Comparator<RankedAd> BEST_FIRST = Comparator.comparingLong(RankedAd::rankScore).reversed()
      .thenComparing(RankedAd::adId)
      .thenComparingLong(RankedAd::campaignVersion)
      .thenComparingLong(RankedAd::parametersVersion)
      .thenComparingLong(RankedAd::maxCpcKrw)
      .thenComparingLong(RankedAd::predictedCtrPpm)
      .thenComparingLong(RankedAd::bidFloorKrw)
      .thenComparingLong(RankedAd::startAt)
      .thenComparingLong(RankedAd::endAt)
      .thenComparing(RankedAd::productId)
      .thenComparing(RankedAd::campaignId)
      .thenComparing(RankedAd::advertiserId)
      .thenComparing(RankedAd::targeting, Comparator.nullsFirst(Comparator.naturalOrder()));

  void appendJson(StringBuilder json) {
    json.append("{\"adId\":\"");
    appendText(json, adId);
    json.append("\",\"campaignId\":\"");
    appendText(json, campaignId);
    json.append("\",\"advertiserId\":\"");
    appendText(json, advertiserId);
    json.append("\",\"productId\":\"");
    appendText(json, productId);
    json.append("\",\"maxCpcKrw\":").append(maxCpcKrw)
        .append(",\"predictedCtrPpm\":").append(predictedCtrPpm)
        .append(",\"rankScore\":").append(rankScore)
        .append(",\"campaignVersion\":").append(campaignVersion)
        .append(",\"parametersVersion\":").append(parametersVersion)
        .append(",\"bidFloorKrw\":").append(bidFloorKrw)
        .append(",\"startAt\":").append(startAt)
        .append(",\"endAt\":").append(endAt);
    if (targeting != null) {
      json.append(",\"targeting\":\"");
      appendText(json, targeting);
      json.append('"');
    }
    json.append('}');
  }

  private static void appendText(StringBuilder json, String text) {
    JsonStringEncoder.getInstance().quoteAsString(text, json);
  }
}
