package cpcads.flink.performance;

import cpcads.flink.performance.WindowCounts.Counts;
import java.util.Arrays;

/** Counts of a place that wait to be told, by when that will be: one array of longs, as state keeps it. */
final class Cells {
  /** When it is told, then served, viewed, clicks, conversions and their value. */
  private static final int CELL_LONGS = 6;

  private Cells() {}

  /** Where the cell is that is told then, or -1. There are few. */
  static int find(long[] cells, long tellMs) {
    for (int at = 0; at < cells.length; at += CELL_LONGS) if (cells[at] == tellMs) return at;
    return -1;
  }

  /** @return with one more cell, at the end and empty. */
  static long[] with(long[] cells, long tellMs) {
    int length = cells == null ? 0 : cells.length;
    long[] more = cells == null ? new long[CELL_LONGS] : Arrays.copyOf(cells, length + CELL_LONGS);
    more[length] = tellMs;
    return more;
  }

  static int last(long[] cells) {
    return cells.length - CELL_LONGS;
  }

  static void add(long[] cells, int at, Counts counts) {
    cells[at + 1] += counts.served();
    cells[at + 2] += counts.viewed();
    cells[at + 3] += counts.clicks();
    cells[at + 4] += counts.conversions();
    cells[at + 5] += counts.valueKrw();
  }

  static Counts at(long[] cells, int at) {
    return new Counts(cells[at + 1], cells[at + 2], cells[at + 3], cells[at + 4], cells[at + 5]);
  }

  /** @return what is left without the cell; null without any. */
  static long[] without(long[] cells, int at) {
    if (cells.length == CELL_LONGS) return null;
    long[] rest = Arrays.copyOf(cells, cells.length - CELL_LONGS);
    System.arraycopy(cells, at + CELL_LONGS, rest, at, rest.length - at);
    return rest;
  }
}
