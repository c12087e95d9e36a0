package cpcads.flink.ranking;

import java.io.IOException;
import java.util.Map;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;

/** State of {@link TopRanked} in checkpoints: the limits, then every entry with its count. */
public final class RankedAdsSerializer extends WholeValueSerializer<RankedAds> {
  private static final long serialVersionUID = 1L;
  static final RankedAdsSerializer INSTANCE = new RankedAdsSerializer();

  @Override
  public void serialize(RankedAds ads, DataOutputView out) throws IOException {
    out.writeInt(ads.perAdvertiser());
    out.writeInt(ads.depth());
    out.writeInt(ads.counted().size());
    for (Map.Entry<RankedAd, Integer> counted : ads.counted().entrySet()) {
      out.writeInt(counted.getValue());
      writeAd(counted.getKey(), out);
    }
  }

  @Override
  public RankedAds deserialize(DataInputView in) throws IOException {
    RankedAds ads = new RankedAds();
    ads.limit(in.readInt(), in.readInt());
    for (int left = in.readInt(); left > 0; left--) {
      int times = in.readInt();
      ads.count(readAd(in), times);
    }
    return ads;
  }

  private static void writeAd(RankedAd ad, DataOutputView out) throws IOException {
    StringValue.writeString(ad.adId(), out);
    StringValue.writeString(ad.campaignId(), out);
    StringValue.writeString(ad.advertiserId(), out);
    StringValue.writeString(ad.productId(), out);
    out.writeLong(ad.maxCpcKrw());
    out.writeLong(ad.predictedCtrPpm());
    out.writeLong(ad.rankScore());
    out.writeLong(ad.campaignVersion());
    out.writeLong(ad.parametersVersion());
    out.writeLong(ad.bidFloorKrw());
    out.writeLong(ad.startAt());
    out.writeLong(ad.endAt());
    StringValue.writeString(ad.targeting(), out);
  }

  private static RankedAd readAd(DataInputView in) throws IOException {
    return new RankedAd(StringValue.readString(in), StringValue.readString(in), StringValue.readString(in),
        StringValue.readString(in), in.readLong(), in.readLong(), in.readLong(), in.readLong(), in.readLong(),
        in.readLong(), in.readLong(), in.readLong(), StringValue.readString(in));
  }

  @Override
  public RankedAds createInstance() {
    return new RankedAds();
  }

  @Override
  public RankedAds copy(RankedAds from) {
    return new RankedAds(from);
  }

  @Override
  public TypeSerializerSnapshot<RankedAds> snapshotConfiguration() {
    return new Snapshot();
  }

  /** Named in every checkpoint: it must stay where it is. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<RankedAds> {
    public Snapshot() {
      super(() -> INSTANCE);
    }
  }
}
