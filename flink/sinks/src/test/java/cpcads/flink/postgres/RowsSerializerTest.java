package cpcads.flink.postgres;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cpcads.flink.postgres.TableShape.Column;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class RowsSerializerTest {
  private static final TableShape SHAPE = new TableShape(List.of(new Column("id", ColumnType.BIGINT),
      new Column("name", ColumnType.TEXT), new Column("n", ColumnType.INTEGER), new Column("flag", ColumnType.BOOLEAN)), new int[] {0});

  @Test
  void rowsComeBackWithTheirKeysAndNulls() throws IOException {
    List<Row> rows = List.of(SHAPE.row(new Object[] {1L, "운동화👟\n", 3, true}), SHAPE.row(new Object[] {2L, null, null, null}));
    RowsSerializer serializer = new RowsSerializer(SHAPE);
    List<Row> read = serializer.deserialize(1, serializer.serialize(rows));
    assertEquals(List.of(List.of(1L), List.of(2L)), read.stream().map(Row::key).toList());
    for (int i = 0; i < 2; i++) assertArrayEquals(rows.get(i).values(), read.get(i).values());
  }

  @Test
  void rowsOfAnotherTableShapeAreRefused() throws IOException {
    byte[] bytes = new RowsSerializer(SHAPE).serialize(List.of(SHAPE.row(new Object[] {1L, "a", 1, true})));
    TableShape other = new TableShape(SHAPE.columns().subList(0, 2), new int[] {0});
    assertTrue(assertThrows(IOException.class, () -> new RowsSerializer(other).deserialize(1, bytes)).getMessage().contains("the table has"));
    assertThrows(IOException.class, () -> new RowsSerializer(SHAPE).deserialize(2, bytes));
    assertThrows(IOException.class, () -> new RowsSerializer(SHAPE).deserialize(1, Arrays.copyOf(bytes, bytes.length - 2)));
  }
}
