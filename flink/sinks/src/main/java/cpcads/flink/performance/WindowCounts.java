package cpcads.flink.performance;

import java.util.Arrays;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.binary.BinaryStringData;

/**
 * State of {@link PerformanceWindow}: what was counted in one window of one ad on one placement. Public fields, as Flink
 * wants them of a type that it stores.
 */
public final class WindowCounts {
  /** Of an open step: its end, then its counts. */
  private static final int STEP_LONGS = 6;

  public @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData campaignId;
  public long startMs;
  public long endMs;
  /** Of steps that are over; and of all of them, when nobody is told an early result. */
  public long served;
  public long viewed;
  public long clicks;
  public long conversions;
  public long valueKrw;
  /** Steps that are not over, in the order of their ends; null without one. */
  public long[] open;

  /** Whoever belongs to an ad: the greatest, so that the order of events does not matter. */
  void campaign(StringData id) {
    // Nearly always the same one, and equality compares whole words.
    if (id.equals(campaignId)) return;
    if (campaignId == null || campaignId.compareTo(id) < 0) campaignId = ((BinaryStringData) id).copy();
  }

  void add(Counts counts) {
    served += counts.served();
    viewed += counts.viewed();
    clicks += counts.clicks();
    conversions += counts.conversions();
    valueKrw += counts.valueKrw();
  }

  /** Keeps the counts apart until their step is over. @return whether they are the first of it. */
  boolean addToStep(long stepEndMs, Counts counts) {
    int at = 0;
    int length = open == null ? 0 : open.length;
    while (at < length && open[at] < stepEndMs) at += STEP_LONGS;
    boolean isNew = at == length || open[at] != stepEndMs;
    if (isNew) insertStep(at, stepEndMs);
    open[at + 1] += counts.served();
    open[at + 2] += counts.viewed();
    open[at + 3] += counts.clicks();
    open[at + 4] += counts.conversions();
    open[at + 5] += counts.valueKrw();
    return isNew;
  }

  private void insertStep(int at, long stepEndMs) {
    int length = open == null ? 0 : open.length;
    long[] next = new long[length + STEP_LONGS];
    if (open != null) {
      System.arraycopy(open, 0, next, 0, at);
      System.arraycopy(open, at, next, at + STEP_LONGS, length - at);
    }
    next[at] = stepEndMs;
    open = next;
  }

  /** Counts what lies in steps that end by then. */
  void closeSteps(long untilMs) {
    if (open == null) return;
    int at = 0;
    while (at < open.length && open[at] <= untilMs) {
      add(new Counts(open[at + 1], open[at + 2], open[at + 3], open[at + 4], open[at + 5]));
      at += STEP_LONGS;
    }
    open = at == open.length ? null : Arrays.copyOfRange(open, at, open.length);
  }

  /** Of one fact, or of a step. */
  record Counts(long served, long viewed, long clicks, long conversions, long valueKrw) {}
}
