package cpcads.flink.performance;

import org.apache.flink.table.api.dataview.MapView;

/** What a lane knows beside its ids and its counts, as the longs that state keeps. */
final class LaneNotes {
  /** Where they lie among the buckets of ids, whose keys are never negative. */
  private static final long KEY = -1;
  private static final int LONGS = 6;
  /** Running number of the half of the time for which ids are known; 0 before the first one. */
  static final int GENERATION = 0;
  /** Ids that were first seen in the running generation, in the one before it, and in the one before that. */
  static final int SEEN = 1;
  static final int SEEN_BEFORE = 2;
  static final int SEEN_LONG_AGO = 3;
  /** The latest timer that was asked for. */
  static final int TIMER_MS = 4;
  /** What ended by then is told: a job that was restored has no clock yet, and must not tell it again. */
  static final int CLOSED_MS = 5;

  private LaneNotes() {}

  static long[] read(MapView<Long, long[]> buckets) throws Exception {
    long[] notes = buckets.get(KEY);
    return notes == null ? new long[LONGS] : notes;
  }

  static void write(long[] notes, MapView<Long, long[]> buckets) throws Exception {
    buckets.put(KEY, notes);
  }
}
