package cpcads.flink.performance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import cpcads.flink.performance.WindowCounts.Counts;
import org.junit.jupiter.api.Test;

class CellsTest {
  @Test
  void eachTimeHasItsOwnCounts() {
    long[] cells = Cells.with(Cells.with(Cells.with(null, 10), 20), 5);
    Cells.add(cells, Cells.find(cells, 20), new Counts(1, 2, 3, -4, -5_000));
    Cells.add(cells, Cells.find(cells, 5), new Counts(10, 0, 0, 0, 0));
    Cells.add(cells, Cells.find(cells, 20), new Counts(1, 1, 1, 1, 1));
    assertEquals(new Counts(2, 3, 4, -3, -4_999), Cells.at(cells, Cells.find(cells, 20)));
    assertEquals(new Counts(0, 0, 0, 0, 0), Cells.at(cells, Cells.find(cells, 10)));
    assertEquals(-1, Cells.find(cells, 30));
    assertEquals(5, cells[Cells.last(cells)]);
  }

  @Test
  void whatIsTakenOutLeavesTheOthers() {
    long[] cells = Cells.with(Cells.with(Cells.with(null, 10), 20), 5);
    Cells.add(cells, Cells.find(cells, 5), new Counts(7, 0, 0, 0, 0));
    long[] rest = Cells.without(cells, Cells.find(cells, 10));
    assertEquals(-1, Cells.find(rest, 10));
    assertEquals(7, Cells.at(rest, Cells.find(rest, 5)).served());
    assertEquals(0, Cells.at(rest, Cells.find(rest, 20)).served());
    assertNull(Cells.without(Cells.without(rest, Cells.find(rest, 20)), 0));
  }
}
