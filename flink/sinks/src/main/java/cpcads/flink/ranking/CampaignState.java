package cpcads.flink.ranking;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;

/** All that the ranking knows of one campaign. */
public final class CampaignState {
  /** Whose clicks and impressions. */
  record AdPlacement(String adId, String placement) {}

  /** Of 24 hours. */
  record Counts(long clicks, long weightMilli) {}

  private static final Counts NONE = new Counts(0, 0);

  private Snapshot snapshot;
  private Long moneyVersion;
  private boolean stopped;
  private final Map<AdPlacement, Counts> counts;
  /** What {@link #offer} made last, as long as it holds. */
  private RowData offer;
  private boolean current;

  CampaignState() {
    this.counts = new HashMap<>();
  }

  CampaignState(CampaignState other) {
    this.snapshot = other.snapshot;
    this.moneyVersion = other.moneyVersion;
    this.stopped = other.stopped;
    this.counts = new HashMap<>(other.counts);
    this.offer = other.offer;
    this.current = other.current;
  }

  Snapshot snapshot() {
    return snapshot;
  }

  Long moneyVersion() {
    return moneyVersion;
  }

  boolean stopped() {
    return stopped;
  }

  Map<AdPlacement, Counts> counts() {
    return counts;
  }

  void publish(Snapshot published) {
    if (snapshot != null && published.version() <= snapshot.version()) return;
    snapshot = published;
    current = false;
  }

  void stop(long version, boolean stops) {
    if (moneyVersion != null && version <= moneyVersion) return;
    moneyVersion = version;
    stopped = stops;
    current = false;
  }

  /** Counts that did not change are no step: a campaign that is shown is not ranked anew for them. */
  void count(String adId, String placement, Long clicks, Long weightMilli) {
    Counts counted = new Counts(clicks == null ? 0 : clicks, weightMilli == null ? 0 : weightMilli);
    if (!Objects.equals(counts.put(new AdPlacement(adId, placement), counted), counted)) current = false;
  }

  /** As `SERVING_CAMPAIGN` gives it; null while nothing of the campaign may be shown. */
  RowData offer() {
    if (!current) {
      offer = snapshot == null || stopped || snapshot.candidates().isEmpty() ? null : newOffer();
      current = true;
    }
    return offer;
  }

  private RowData newOffer() {
    List<Snapshot.Candidate> candidates = snapshot.candidates();
    Object[] rows = new Object[candidates.size()];
    for (int i = 0; i < rows.length; i++) {
      Snapshot.Candidate candidate = candidates.get(i);
      Counts counted = counts.getOrDefault(new AdPlacement(candidate.adId(), candidate.placement()), NONE);
      rows[i] = GenericRowData.of(text(candidate.adId()), text(candidate.productId()), text(candidate.placement()),
          text(candidate.target()), candidate.maxCpcKrw(), counted.clicks(), counted.weightMilli());
    }
    return GenericRowData.of(snapshot.version(), text(snapshot.advertiserId()), text(snapshot.targeting()),
        snapshot.startAt(), snapshot.endAt(), new GenericArrayData(rows));
  }

  private static StringData text(String value) {
    return StringData.fromString(value);
  }
}
