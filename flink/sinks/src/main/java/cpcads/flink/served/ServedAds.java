package cpcads.flink.served;

import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.ArgumentTrait;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.ProcessTableFunction;

/**
 * SQL: {@code SERVED_ADS(records => TABLE t, uid => …)}: every ad of the ADS_SERVED records of a table with the columns
 * {@code recordedAt, served, eventTime}, as {@code adId, campaignId, placement, slot, recordedAt}. What is null in the
 * record gives no row. With {@code on_time => DESCRIPTOR(eventTime)} the record's time follows as {@code rowtime}: then
 * no record may come behind the clock, since Flink 2.2.1 leaves those out, uncounted (FLINK-39436).
 *
 * <p>The same as two times {@code CROSS JOIN UNNEST}, which the planner cannot share between two sinks: it takes each
 * use of an UNNEST for another one, and computes everything above it once per sink.
 */
@FunctionHint(output = @DataTypeHint(
    value = "ROW<adId STRING, campaignId STRING, placement STRING, slot INT, recordedAt BIGINT>",
    bridgedTo = RowData.class))
public final class ServedAds extends ProcessTableFunction<RowData> {
  private static final long serialVersionUID = 1L;

  public void eval(
      @ArgumentHint(
          name = "records",
          value = ArgumentTrait.ROW_SEMANTIC_TABLE,
          type = @DataTypeHint(
              value = "ROW<recordedAt BIGINT, served ARRAY<ROW<placement STRING,"
                  + " ads ARRAY<ROW<slot INT, adId STRING, campaignId STRING>>>>, eventTime TIMESTAMP_LTZ(3)>",
              bridgedTo = RowData.class))
          RowData record) throws Exception {
    if (record.isNullAt(1)) return;
    long recordedAt = record.getLong(0);
    ServedRecord.forEachAd(record.getArray(1), (adId, campaignId, placement, slot) ->
        collect(GenericRowData.of(adId, campaignId, placement, slot, recordedAt)));
  }
}
