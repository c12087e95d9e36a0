package cpcads.flink.ranking;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;

/** State of {@link ServingCampaign} in checkpoints. */
public final class CampaignStateSerializer extends WholeValueSerializer<CampaignState> {
  private static final long serialVersionUID = 1L;
  static final CampaignStateSerializer INSTANCE = new CampaignStateSerializer();

  @Override
  public void serialize(CampaignState campaign, DataOutputView out) throws IOException {
    out.writeBoolean(campaign.snapshot() != null);
    if (campaign.snapshot() != null) writeSnapshot(campaign.snapshot(), out);
    out.writeBoolean(campaign.moneyVersion() != null);
    if (campaign.moneyVersion() != null) {
      out.writeLong(campaign.moneyVersion());
      out.writeBoolean(campaign.stopped());
    }
    out.writeInt(campaign.counts().size());
    for (Map.Entry<CampaignState.AdPlacement, CampaignState.Counts> counted : campaign.counts().entrySet()) {
      StringValue.writeString(counted.getKey().adId(), out);
      StringValue.writeString(counted.getKey().placement(), out);
      out.writeLong(counted.getValue().clicks());
      out.writeLong(counted.getValue().weightMilli());
    }
  }

  @Override
  public CampaignState deserialize(DataInputView in) throws IOException {
    CampaignState campaign = new CampaignState();
    if (in.readBoolean()) campaign.publish(readSnapshot(in));
    if (in.readBoolean()) campaign.stop(in.readLong(), in.readBoolean());
    for (int left = in.readInt(); left > 0; left--) {
      campaign.count(StringValue.readString(in), StringValue.readString(in), in.readLong(), in.readLong());
    }
    return campaign;
  }

  private static void writeSnapshot(Snapshot snapshot, DataOutputView out) throws IOException {
    out.writeLong(snapshot.version());
    StringValue.writeString(snapshot.advertiserId(), out);
    StringValue.writeString(snapshot.targeting(), out);
    out.writeLong(snapshot.startAt());
    out.writeLong(snapshot.endAt());
    out.writeInt(snapshot.candidates().size());
    for (Snapshot.Candidate candidate : snapshot.candidates()) {
      StringValue.writeString(candidate.adId(), out);
      StringValue.writeString(candidate.productId(), out);
      StringValue.writeString(candidate.placement(), out);
      StringValue.writeString(candidate.target(), out);
      out.writeLong(candidate.maxCpcKrw());
    }
  }

  private static Snapshot readSnapshot(DataInputView in) throws IOException {
    long version = in.readLong();
    String advertiserId = StringValue.readString(in);
    String targeting = StringValue.readString(in);
    long startAt = in.readLong();
    long endAt = in.readLong();
    List<Snapshot.Candidate> candidates = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      candidates.add(new Snapshot.Candidate(StringValue.readString(in), StringValue.readString(in),
          StringValue.readString(in), StringValue.readString(in), in.readLong()));
    }
    return new Snapshot(version, advertiserId, targeting, startAt, endAt, List.copyOf(candidates));
  }

  @Override
  public CampaignState createInstance() {
    return new CampaignState();
  }

  @Override
  public CampaignState copy(CampaignState from) {
    return new CampaignState(from);
  }

  @Override
  public TypeSerializerSnapshot<CampaignState> snapshotConfiguration() {
    return new Format();
  }

  /** Named in every checkpoint: it must stay where it is. */
  public static final class Format extends SimpleTypeSerializerSnapshot<CampaignState> {
    public Format() {
      super(() -> INSTANCE);
    }
  }
}
