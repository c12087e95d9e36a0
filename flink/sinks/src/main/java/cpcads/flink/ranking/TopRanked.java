package cpcads.flink.ranking;

import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.inference.InputTypeStrategies;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;

/**
 * SQL: {@code TOP_RANKED(perAdvertiser, depth, adId, campaignId, advertiserId, productId, maxCpcKrw, predictedCtrPpm,
 * rankScore, campaignVersion, parametersVersion, bidFloorKrw, startAt, endAt, targeting)}: the ranking of one key as a
 * JSON array, best first. The rule is {@code topRanked} of domain/ranking.ts.
 *
 * <p>In SQL this is two ranks and a sorted list of texts, each of which walks through the best ads at every change of
 * any ad. Here a change costs a place in a tree, and the list is written once per mini-batch.
 *
 * <p>NULL while the entries were scored with more than one version of the parameters: a change of the parameters
 * changes all of them, which may take more than one mini-batch. The sink keeps what Redis has then.
 */
public final class TopRanked extends AggregateFunction<String, RankedAds> {
  private static final long serialVersionUID = 1L;

  @Override
  public RankedAds createAccumulator() {
    return new RankedAds();
  }

  @Override
  public String getValue(RankedAds ads) {
    return ads.json();
  }

  public void accumulate(RankedAds ads, Integer perAdvertiser, Integer depth, String adId, String campaignId,
      String advertiserId, String productId, Long maxCpcKrw, Long predictedCtrPpm, Long rankScore,
      Long campaignVersion, Long parametersVersion, Long bidFloorKrw, Long startAt, Long endAt, String targeting) {
    ads.limit(perAdvertiser, depth);
    ads.add(new RankedAd(adId, campaignId, advertiserId, productId, maxCpcKrw, predictedCtrPpm, rankScore,
        campaignVersion, parametersVersion, bidFloorKrw, startAt, endAt, targeting));
  }

  public void retract(RankedAds ads, Integer perAdvertiser, Integer depth, String adId, String campaignId,
      String advertiserId, String productId, Long maxCpcKrw, Long predictedCtrPpm, Long rankScore,
      Long campaignVersion, Long parametersVersion, Long bidFloorKrw, Long startAt, Long endAt, String targeting) {
    ads.limit(perAdvertiser, depth);
    ads.remove(new RankedAd(adId, campaignId, advertiserId, productId, maxCpcKrw, predictedCtrPpm, rankScore,
        campaignVersion, parametersVersion, bidFloorKrw, startAt, endAt, targeting));
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    var text = InputTypeStrategies.explicit(DataTypes.STRING());
    var number = InputTypeStrategies.explicit(DataTypes.BIGINT());
    var limit = InputTypeStrategies.explicit(DataTypes.INT());
    return TypeInference.newBuilder()
        .inputTypeStrategy(InputTypeStrategies.sequence(limit, limit, text, text, text, text, number, number, number,
            number, number, number, number, number, text))
        .accumulatorTypeStrategy(
            TypeStrategies.explicit(DataTypes.RAW(RankedAds.class, RankedAdsSerializer.INSTANCE)))
        .outputTypeStrategy(TypeStrategies.explicit(DataTypes.STRING()))
        .build();
  }
}
