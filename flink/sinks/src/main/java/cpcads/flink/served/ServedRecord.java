package cpcads.flink.served;

import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;

/** The ads of an ADS_SERVED record, whose requests are {@code ROW<placement, ads ARRAY<ROW<slot, adId, campaignId>>>}. */
public final class ServedRecord {
  private static final int REQUEST_COLUMNS = 2;
  private static final int AD_COLUMNS = 3;

  private ServedRecord() {}

  /** Who is told of each ad. The slot may be null, nothing else. */
  public interface Shown {
    void ad(StringData adId, StringData campaignId, StringData placement, Integer slot) throws Exception;
  }

  /** Leaves out what is null. @return how many ads there are. */
  public static int forEachAd(ArrayData requests, Shown shown) throws Exception {
    int ads = 0;
    for (int i = 0; i < requests.size(); i++) {
      if (requests.isNullAt(i)) continue;
      RowData request = requests.getRow(i, REQUEST_COLUMNS);
      if (request.isNullAt(0) || request.isNullAt(1)) continue;
      ads += forEachAd(request.getString(0), request.getArray(1), shown);
    }
    return ads;
  }

  private static int forEachAd(StringData placement, ArrayData ads, Shown shown) throws Exception {
    int told = 0;
    for (int i = 0; i < ads.size(); i++) {
      if (ads.isNullAt(i)) continue;
      RowData ad = ads.getRow(i, AD_COLUMNS);
      if (ad.isNullAt(1) || ad.isNullAt(2)) continue;
      shown.ad(ad.getString(1), ad.getString(2), placement, ad.isNullAt(0) ? null : (Integer) ad.getInt(0));
      told += 1;
    }
    return told;
  }
}
