package cpcads.flink.ranking;

import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.InputTypeStrategies;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;

/**
 * SQL: {@code SERVING_CAMPAIGN(homeTarget, type, version, advertiserId, status, ads, keywords, bids, targeting, startAt,
 * endAt, stopped, adId, placement, clicks, weightMilli)} over the records of one campaign, whatever order they come in:
 * its snapshots and money states (the highest version of each counts), and the click-through counts of its ads (the
 * last one counts). Gives what the campaign offers to the rankings, or NULL while it may not serve.
 *
 * <p>As joins this would be several rows per change, a removal and an addition, which a mini-batch may cut apart when
 * the other side's clock moves in between: a reader would meet a ranking without an ad that was there before and is
 * there after. Here every record is one step from one whole campaign to the next.
 */
public final class ServingCampaign extends AggregateFunction<RowData, CampaignState> {
  private static final long serialVersionUID = 1L;

  @Override
  public CampaignState createAccumulator() {
    return new CampaignState();
  }

  @Override
  public RowData getValue(CampaignState campaign) {
    return campaign.offer();
  }

  public void accumulate(CampaignState campaign, String homeTarget, String type, Long version, String advertiserId,
      String status, ArrayData ads, ArrayData keywords, ArrayData bids, String targeting, Long startAt, Long endAt,
      Boolean stopped, String adId, String placement, Long clicks, Long weightMilli) {
    if (type == null) {
      campaign.count(adId, placement, clicks, weightMilli);
    } else if (stopped != null) {
      campaign.stop(version, stopped);
    } else {
      campaign.publish(
          Snapshot.of(homeTarget, version, advertiserId, status, ads, keywords, bids, targeting, startAt, endAt));
    }
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    var text = InputTypeStrategies.explicit(DataTypes.STRING());
    var number = InputTypeStrategies.explicit(DataTypes.BIGINT());
    var truth = InputTypeStrategies.explicit(DataTypes.BOOLEAN());
    var ads = InputTypeStrategies.explicit(DataTypes.ARRAY(DataTypes.ROW(
        DataTypes.FIELD("adId", DataTypes.STRING()), DataTypes.FIELD("productId", DataTypes.STRING()),
        DataTypes.FIELD("categoryId", DataTypes.STRING()))).bridgedTo(ArrayData.class));
    var keywords = InputTypeStrategies.explicit(DataTypes.ARRAY(DataTypes.STRING()).bridgedTo(ArrayData.class));
    var bids = InputTypeStrategies.explicit(DataTypes.ARRAY(DataTypes.ROW(
        DataTypes.FIELD("placement", DataTypes.STRING()), DataTypes.FIELD("maxCpcKrw", DataTypes.BIGINT())))
        .bridgedTo(ArrayData.class));
    return TypeInference.newBuilder()
        .inputTypeStrategy(InputTypeStrategies.sequence(text, text, number, text, text, ads, keywords, bids, text,
            number, number, truth, text, text, number, number))
        .accumulatorTypeStrategy(
            TypeStrategies.explicit(DataTypes.RAW(CampaignState.class, CampaignStateSerializer.INSTANCE)))
        .outputTypeStrategy(TypeStrategies.explicit(offerType()))
        .build();
  }

  /** One candidate per ad, placement that the campaign bids on, and target. */
  private static DataType offerType() {
    return DataTypes.ROW(
        DataTypes.FIELD("version", DataTypes.BIGINT()),
        DataTypes.FIELD("advertiserId", DataTypes.STRING()),
        DataTypes.FIELD("targeting", DataTypes.STRING()),
        DataTypes.FIELD("startAt", DataTypes.BIGINT()),
        DataTypes.FIELD("endAt", DataTypes.BIGINT()),
        DataTypes.FIELD("candidates", DataTypes.ARRAY(DataTypes.ROW(
            DataTypes.FIELD("adId", DataTypes.STRING()),
            DataTypes.FIELD("productId", DataTypes.STRING()),
            DataTypes.FIELD("placement", DataTypes.STRING()),
            DataTypes.FIELD("target", DataTypes.STRING()),
            DataTypes.FIELD("maxCpcKrw", DataTypes.BIGINT()),
            DataTypes.FIELD("clicks", DataTypes.BIGINT()),
            DataTypes.FIELD("weightMilli", DataTypes.BIGINT()))))).bridgedTo(RowData.class);
  }
}
