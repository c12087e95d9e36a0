package cpcads.flink.performance;

import cpcads.flink.performance.WindowCounts.Counts;
import org.apache.flink.metrics.Counter;
import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.ArgumentTrait;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.annotation.StateHint;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ProcessTableFunction;

/**
 * SQL: {@code PERFORMANCE_WINDOW(facts => TABLE t PARTITION BY place, windowMs => …, stepMs => …, earlyAgeMs => …,
 * uid => …)} with {@code place} = (adId, placement): the sums of each window, in the order of the windows. One row when
 * the clock passes the end of a step in which something happened, with all that happened in the window before that end;
 * and the final one at the window's end, after which nothing is kept of it. Steps that were over {@code earlyAgeMs} of
 * real time ago give no early row, as when the log is caught up with. What comes behind the end of its window is left
 * out and counted (numLateRecordsDropped). It is not given a time column: Flink 2.2.1 would keep from it, uncounted,
 * whatever comes behind the clock (FLINK-39436), although its window may be open.
 *
 * <p>As CUMULATE, which wakes every ad for each step of the window, thirty times, whether something happened or not.
 */
@FunctionHint(output = @DataTypeHint(
    value = "ROW<windowStartMs BIGINT, windowEndMs BIGINT, isFinal BOOLEAN, campaignId STRING, served BIGINT,"
        + " viewed BIGINT, clicks BIGINT, conversions BIGINT, valueKrw BIGINT>",
    bridgedTo = RowData.class))
public final class PerformanceWindow extends ProcessTableFunction<RowData> {
  private static final long serialVersionUID = 1L;
  private static final int RECORDED_AT = 1;
  private static final int CAMPAIGN_ID = 2;

  private transient Counter late;

  @Override
  public void open(FunctionContext context) {
    late = context.getMetricGroup().counter("numLateRecordsDropped");
  }

  public void eval(
      Context context,
      // Open windows by their start. Freed by their end; a TTL of the job would cost a third of the function's time.
      @StateHint(ttl = "0 s") MapView<Long, WindowCounts> windows,
      @ArgumentHint(
          name = "facts",
          value = ArgumentTrait.SET_SEMANTIC_TABLE,
          type = @DataTypeHint(
              value = "ROW<place ROW<adId STRING, placement STRING>, recordedAt BIGINT, campaignId STRING,"
                  + " served BIGINT, viewed BIGINT, clicks BIGINT, conversions BIGINT, valueKrw BIGINT>",
              bridgedTo = RowData.class))
          RowData fact,
      @ArgumentHint(name = "windowMs") Long windowMs,
      @ArgumentHint(name = "stepMs") Long stepMs,
      @ArgumentHint(name = "earlyAgeMs") Long earlyAgeMs) throws Exception {
    TimeContext<Long> time = context.timeContext(Long.class);
    Long watermark = time.currentWatermark();
    long clock = watermark == null ? Long.MIN_VALUE : watermark;
    long recordedAt = fact.getLong(RECORDED_AT);
    long startMs = recordedAt - recordedAt % windowMs;
    long endMs = startMs + windowMs;
    if (endMs - 1 <= clock) {
      late.inc();
      return;
    }
    WindowCounts counts = windows.get(startMs);
    if (counts == null) {
      counts = new WindowCounts();
      counts.startMs = startMs;
      counts.endMs = endMs;
      time.registerOnTime(endMs - 1);
    }
    counts.campaign(fact.getString(CAMPAIGN_ID));
    Counts one = new Counts(fact.getLong(3), fact.getLong(4), fact.getLong(5), fact.getLong(6), fact.getLong(7));
    // What comes behind the clock is told with the running step.
    long at = Math.max(recordedAt, clock + 1);
    long stepEndMs = at - at % stepMs + stepMs;
    if (stepEndMs < System.currentTimeMillis() - earlyAgeMs) {
      counts.add(one);
    } else if (counts.addToStep(stepEndMs, one) && stepEndMs < endMs) {
      time.registerOnTime(stepEndMs - 1);
    }
    windows.put(startMs, counts);
  }

  public void onTimer(OnTimerContext context, MapView<Long, WindowCounts> windows) throws Exception {
    long reachedMs = context.timeContext(Long.class).time() + 1;
    WindowCounts counts = windowOf(reachedMs, windows);
    counts.closeSteps(reachedMs);
    boolean isFinal = reachedMs == counts.endMs;
    if (isFinal) windows.remove(counts.startMs);
    else windows.put(counts.startMs, counts);
    collect(GenericRowData.of(counts.startMs, reachedMs, isFinal, counts.campaignId, counts.served, counts.viewed,
        counts.clicks, counts.conversions, counts.valueKrw));
  }

  /** Few are open at once: the running one and, while the log is caught up with, its neighbours. */
  private static WindowCounts windowOf(long reachedMs, MapView<Long, WindowCounts> windows) throws Exception {
    for (WindowCounts counts : windows.values()) {
      if (counts.startMs < reachedMs && reachedMs <= counts.endMs) return counts;
    }
    throw new IllegalStateException("no window is open at " + reachedMs);
  }
}
