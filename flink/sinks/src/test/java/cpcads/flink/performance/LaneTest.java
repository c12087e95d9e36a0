package cpcads.flink.performance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.table.data.StringData;
import org.junit.jupiter.api.Test;

class LaneTest {
  @Test
  void anIdHasOneLane() {
    assertEquals(laneOf("viewed:rq1:ad_1"), laneOf("viewed:rq1:ad_1"));
    assertNull(new Lane().eval(null));
  }

  @Test
  void idsThatDifferInOneDigitSpreadOverAllLanes() {
    int ids = 8_000;
    Map<Integer, Integer> perLane = new HashMap<>();
    for (int i = 0; i < ids; i++) perLane.merge(laneOf("018f0000-0000-7000-8000-%012d".formatted(i)), 1, Integer::sum);
    assertEquals(Lane.LANES.length, perLane.size());
    int fair = ids / Lane.LANES.length;
    for (int found : perLane.values()) assertTrue(found > fair * 0.8 && found < fair * 1.2, perLane.toString());
  }

  private static int laneOf(String id) {
    return new Lane().eval(StringData.fromBytes(id.getBytes(StandardCharsets.UTF_8)));
  }
}
