package cpcads.flink.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;

import cpcads.flink.postgres.TableShape.Column;
import java.util.List;
import org.junit.jupiter.api.Test;

class TableShapeTest {
  private static final Column KEY = new Column("order", ColumnType.BIGINT);
  private static final Column NAME = new Column("a \"name\"", ColumnType.TEXT);

  @Test
  void namesAreQuotedAndTheTextIsTheSameForEveryNumberOfRows() {
    assertEquals("INSERT INTO \"ads\".\"sink probe\" AS stored (\"order\", \"a \"\"name\"\"\") SELECT * FROM unnest(?::bigint[], "
        + "?::text[]) ON CONFLICT (\"order\") DO UPDATE SET \"a \"\"name\"\"\" = excluded.\"a \"\"name\"\"\" WHERE stored.n <= excluded.n",
        new TableShape(List.of(KEY, NAME), new int[] {0}).upsert("ads.sink probe", "stored.n <= excluded.n"));
  }

  @Test
  void aTableOfKeysAloneKeepsItsRows() {
    assertEquals("INSERT INTO \"t\" AS stored (\"order\") SELECT * FROM unnest(?::bigint[]) ON CONFLICT (\"order\") DO NOTHING",
        new TableShape(List.of(KEY), new int[] {0}).upsert("t", ""));
  }

  @Test
  void theKeyIsMadeOfTheKeyColumnsInTheirOrder() {
    Row row = new TableShape(List.of(KEY, NAME), new int[] {1, 0}).row(new Object[] {1L, "a"});
    assertEquals(List.of("a", 1L), row.key());
  }
}
