package cpcads.flink.performance;

import cpcads.flink.performance.WindowCounts.Counts;
import org.apache.flink.metrics.Counter;
import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.ArgumentTrait;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.annotation.StateHint;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ProcessTableFunction;

/**
 * SQL: {@code PERFORMANCE_WINDOW(facts => TABLE t PARTITION BY place, on_time =>
 * DESCRIPTOR(eventTime), windowMs => …, stepMs => …, earlyAgeMs => …,
 * uid => …)} with {@code place} = (adId, placement, windowStartMs): the sums of each window. One row when the clock
 * passes the end of a step in which something happened, with all that happened in the window before that end; and the
 * final one at the window's end, after which nothing is kept of it. Steps that were over {@code earlyAgeMs} of real time
 * ago give no early row, as when the log is caught up with. What comes behind the end of its window is left out and
 * counted (numLateRecordsDropped).
 *
 * <p>As CUMULATE, which wakes every ad for each step of the window, thirty times, whether something happened or not.
 */
@FunctionHint(output = @DataTypeHint(
    value = "ROW<windowEndMs BIGINT, isFinal BOOLEAN, campaignId STRING, served BIGINT, viewed BIGINT, clicks BIGINT,"
        + " conversions BIGINT, valueKrw BIGINT>",
    bridgedTo = RowData.class))
public final class PerformanceWindow extends ProcessTableFunction<RowData> {
  private static final long serialVersionUID = 1L;
  private static final int PLACE = 0;
  private static final int PLACE_COLUMNS = 3;
  private static final int WINDOW_START_MS = 2;

  private transient Counter late;

  @Override
  public void open(FunctionContext context) {
    late = context.getMetricGroup().counter("numLateRecordsDropped");
  }

  public void eval(
      Context context,
      // Freed by the window's end; a TTL of the job would cost a third of the function's time.
      @StateHint(ttl = "0 s") WindowCounts counts,
      @ArgumentHint(
          name = "facts",
          value = {ArgumentTrait.SET_SEMANTIC_TABLE, ArgumentTrait.REQUIRE_ON_TIME},
          type = @DataTypeHint(
              value = "ROW<place ROW<adId STRING, placement STRING, windowStartMs BIGINT>, campaignId STRING,"
                  + " served BIGINT, viewed BIGINT, clicks BIGINT, conversions BIGINT, valueKrw BIGINT,"
                  + " eventTime TIMESTAMP_LTZ(3)>",
              bridgedTo = RowData.class))
          RowData fact,
      @ArgumentHint(name = "windowMs") Long windowMs,
      @ArgumentHint(name = "stepMs") Long stepMs,
      @ArgumentHint(name = "earlyAgeMs") Long earlyAgeMs) {
    TimeContext<Long> time = context.timeContext(Long.class);
    long clock = time.currentWatermark() == null ? Long.MIN_VALUE : time.currentWatermark();
    long endMs = fact.getRow(PLACE, PLACE_COLUMNS).getLong(WINDOW_START_MS) + windowMs;
    if (endMs - 1 <= clock) {
      late.inc();
      return;
    }
    if (counts.endMs != endMs) {
      counts.endMs = endMs;
      time.registerOnTime(endMs - 1);
    }
    counts.campaign(fact.getString(1));
    Counts one = new Counts(fact.getLong(2), fact.getLong(3), fact.getLong(4), fact.getLong(5), fact.getLong(6));
    long stepEndMs = time.time() - time.time() % stepMs + stepMs;
    if (stepEndMs - 1 <= clock || stepEndMs < System.currentTimeMillis() - earlyAgeMs) {
      counts.add(one);
    } else if (counts.addToStep(stepEndMs, one) && stepEndMs < endMs) {
      time.registerOnTime(stepEndMs - 1);
    }
  }

  public void onTimer(OnTimerContext context, WindowCounts counts) {
    long endMs = context.timeContext(Long.class).time() + 1;
    counts.closeSteps(endMs);
    boolean isFinal = endMs == counts.endMs;
    collect(GenericRowData.of(endMs, isFinal, counts.campaignId, counts.served, counts.viewed, counts.clicks,
        counts.conversions, counts.valueKrw));
    if (isFinal) context.clearAllState();
  }
}
