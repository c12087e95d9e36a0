package cpcads.flink.performance;

import static cpcads.flink.performance.LaneNotes.CLOSED_MS;
import static cpcads.flink.performance.LaneNotes.TIMER_MS;

import cpcads.flink.performance.WindowCounts.Counts;
import cpcads.flink.served.ServedRecord;
import java.util.Iterator;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.ArgumentTrait;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.annotation.StateHint;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ProcessTableFunction;

/**
 * SQL: {@code PARTIAL_COUNTS(records => TABLE t PARTITION BY lane, windowMs => …, stepMs => …, earlyAgeMs => …,
 * repeatMs => …, uid => …)} with {@code lane} = {@link Lane}: records of which each id counts once, taken apart and
 * added up per ad and placement of a lane, for {@link PerformanceWindow} to add up further. A sum is told when the
 * clock passes the end of the step in which its facts came, or of their window when that step was over
 * {@code earlyAgeMs} of real time ago: then ten facts become one row. Its {@code recordedAt} is the last moment before
 * that end. What comes behind the end of its window is left out and counted (numLateRecordsDropped), fact by fact.
 *
 * <p>An id is known for {@code repeatMs} of real time at least, for one and a half times that at most. No time column,
 * as {@link PerformanceWindow}.
 */
@FunctionHint(output = @DataTypeHint(
    value = "ROW<adId STRING, campaignId STRING, placement STRING, recordedAt BIGINT, served BIGINT, viewed BIGINT,"
        + " clicks BIGINT, conversions BIGINT, valueKrw BIGINT>",
    bridgedTo = RowData.class))
public final class PartialCounts extends ProcessTableFunction<RowData> {
  private static final long serialVersionUID = 1L;
  private static final int ID = 1;
  private static final int TYPE = 2;
  private static final int RECORDED_AT = 3;
  private static final int SERVED = 4;
  private static final int AD_ID = 5;
  private static final int CAMPAIGN_ID = 6;
  private static final int PLACEMENT = 7;
  private static final int VALUE_KRW = 8;
  private static final long TOO_LATE = -1;

  private static final Counts SERVED_ONCE = new Counts(1, 0, 0, 0, 0);
  private static final Counts VIEWED_ONCE = new Counts(0, 1, 0, 0, 0);
  private static final Counts CLICKED_ONCE = new Counts(0, 0, 1, 0, 0);

  private transient Counter late;
  private transient SeenIds seen;
  private transient PlaceKey key;

  @Override
  public void open(FunctionContext context) {
    late = context.getMetricGroup().counter("numLateRecordsDropped");
    seen = new SeenIds();
    key = new PlaceKey();
  }

  public void eval(
      Context context,
      // Buckets of ids, and what is noted of the lane.
      @StateHint(ttl = "0 s") MapView<Long, long[]> ids,
      // Freed by the timers that tell them.
      @StateHint(ttl = "0 s") MapView<String, long[]> waiting,
      @ArgumentHint(
          name = "records",
          value = ArgumentTrait.SET_SEMANTIC_TABLE,
          type = @DataTypeHint(
              value = "ROW<lane INT, eventId STRING, `type` STRING, recordedAt BIGINT, served ARRAY<ROW<placement STRING,"
                  + " ads ARRAY<ROW<slot INT, adId STRING, campaignId STRING>>>>, adId STRING, campaignId STRING,"
                  + " placement STRING, conversionValueKrw BIGINT>",
              bridgedTo = RowData.class))
          RowData record,
      @ArgumentHint(name = "windowMs") Long windowMs,
      @ArgumentHint(name = "stepMs") Long stepMs,
      @ArgumentHint(name = "earlyAgeMs") Long earlyAgeMs,
      @ArgumentHint(name = "repeatMs") Long repeatMs) throws Exception {
    long nowMs = System.currentTimeMillis();
    long[] notes = LaneNotes.read(ids);
    if (seen.isFirst(record.getString(ID).toBytes(), nowMs / (repeatMs / 2), notes, ids)) {
      TimeContext<Long> time = context.timeContext(Long.class);
      long tellMs = tellMs(record.getLong(RECORDED_AT), clock(time, notes), windowMs, stepMs, nowMs - earlyAgeMs);
      if (tellMs == TOO_LATE) {
        late.inc(forEachFact(record, (adId, campaignId, placement, counts) -> {}));
      } else if (count(record, tellMs, waiting) > 0 && notes[TIMER_MS] != tellMs) {
        notes[TIMER_MS] = tellMs;
        time.registerOnTime(tellMs - 1);
      }
    }
    LaneNotes.write(notes, ids);
  }

  private static long clock(TimeContext<Long> time, long[] notes) {
    Long watermark = time.currentWatermark();
    return watermark == null ? notes[CLOSED_MS] : Math.max(watermark, notes[CLOSED_MS]);
  }

  /** The end of the step that counts it; of its window, when nobody is told of that step any more. */
  private static long tellMs(long recordedAt, long clock, long windowMs, long stepMs, long earlySinceMs) {
    long endMs = recordedAt - recordedAt % windowMs + windowMs;
    if (endMs - 1 <= clock) return TOO_LATE;
    // What comes behind the clock is told with the running step.
    long at = Math.max(recordedAt, clock + 1);
    long stepEndMs = at - at % stepMs + stepMs;
    return stepEndMs < earlySinceMs ? endMs : stepEndMs;
  }

  public void onTimer(OnTimerContext context, MapView<Long, long[]> ids, MapView<String, long[]> waiting)
      throws Exception {
    long reachedMs = context.timeContext(Long.class).time() + 1;
    long[] notes = LaneNotes.read(ids);
    notes[CLOSED_MS] = Math.max(notes[CLOSED_MS], reachedMs - 1);
    LaneNotes.write(notes, ids);
    Iterator<Map.Entry<String, long[]>> places = waiting.iterator();
    while (places.hasNext()) {
      Map.Entry<String, long[]> place = places.next();
      long[] cells = place.getValue();
      int cell = Cells.find(cells, reachedMs);
      if (cell < 0) continue;
      tell(place.getKey(), reachedMs - 1, Cells.at(cells, cell));
      long[] rest = Cells.without(cells, cell);
      if (rest == null) places.remove();
      else place.setValue(rest);
    }
  }

  private void tell(String place, long at, Counts counts) {
    StringData[] parts = PlaceKey.parts(place);
    collect(GenericRowData.of(parts[1], parts[2], parts[0], at, counts.served(), counts.viewed(), counts.clicks(),
        counts.conversions(), counts.valueKrw()));
  }

  /** @return how many facts there were. */
  private int count(RowData record, long tellMs, MapView<String, long[]> waiting) throws Exception {
    return forEachFact(record, (adId, campaignId, placement, counts) -> {
      String place = key.of(adId, campaignId, placement);
      long[] cells = waiting.get(place);
      int cell = cells == null ? -1 : Cells.find(cells, tellMs);
      if (cell < 0) {
        cells = Cells.with(cells, tellMs);
        cell = Cells.last(cells);
      }
      Cells.add(cells, cell, counts);
      waiting.put(place, cells);
    });
  }

  private interface Counting {
    void fact(StringData adId, StringData campaignId, StringData placement, Counts counts) throws Exception;
  }

  private static int forEachFact(RowData record, Counting counting) throws Exception {
    String type = record.getString(TYPE).toString();
    if (type.equals("ADS_SERVED")) {
      if (record.isNullAt(SERVED)) return 0;
      return ServedRecord.forEachAd(record.getArray(SERVED), (adId, campaignId, placement, slot) ->
          counting.fact(adId, campaignId, placement, SERVED_ONCE));
    }
    Counts counts = countsOf(type, record);
    if (counts == null) return 0;
    counting.fact(record.getString(AD_ID), record.getString(CAMPAIGN_ID), record.getString(PLACEMENT), counts);
    return 1;
  }

  /** Null for what cannot be counted. */
  private static Counts countsOf(String type, RowData record) {
    if (record.isNullAt(AD_ID) || record.isNullAt(CAMPAIGN_ID) || record.isNullAt(PLACEMENT)) return null;
    return switch (type) {
      case "AD_VIEWED" -> VIEWED_ONCE;
      case "AD_CLICK_DECIDED" -> CLICKED_ONCE;
      case "AD_CONVERTED" -> record.isNullAt(VALUE_KRW) ? null : new Counts(0, 0, 0, 1, record.getLong(VALUE_KRW));
      case "AD_CONVERSION_REVERSED" ->
          record.isNullAt(VALUE_KRW) ? null : new Counts(0, 0, 0, -1, -record.getLong(VALUE_KRW));
      default -> null;
    };
  }
}
