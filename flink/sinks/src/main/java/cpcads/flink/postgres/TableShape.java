package cpcads.flink.postgres;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/** The columns of a table and its primary key, and the one statement that writes rows into it. */
record TableShape(List<Column> columns, int[] key) implements Serializable {
  record Column(String name, ColumnType type) implements Serializable {}

  Row row(Object[] values) {
    List<Object> keyValues = new ArrayList<>(key.length);
    for (int index : key) keyValues.add(values[index]);
    return new Row(Collections.unmodifiableList(keyValues), values);
  }

  /**
   * One parameter per column, an array of its values: the text is the same for every number of rows, so PostgreSQL
   * plans it once. `stored` is the row that is there, `excluded` the new one.
   */
  String upsert(String table, String condition) {
    String names = columns.stream().map(column -> quoted(column.name())).collect(Collectors.joining(", "));
    String arrays = columns.stream().map(column -> "?::" + column.type().sqlName + "[]").collect(Collectors.joining(", "));
    List<String> keyNames = new ArrayList<>();
    for (int index : key) keyNames.add(quoted(columns.get(index).name()));
    String changes = columns.stream().map(column -> quoted(column.name()))
        .filter(name -> !keyNames.contains(name))
        .map(name -> name + " = excluded." + name)
        .collect(Collectors.joining(", "));
    String action = changes.isEmpty() ? "NOTHING" : "UPDATE SET " + changes + (condition.isEmpty() ? "" : " WHERE " + condition);
    return "INSERT INTO " + quotedPath(table) + " AS stored (" + names + ") SELECT * FROM unnest(" + arrays
        + ") ON CONFLICT (" + String.join(", ", keyNames) + ") DO " + action;
  }

  private static String quotedPath(String table) {
    return List.of(table.split("\\.")).stream().map(TableShape::quoted).collect(Collectors.joining("."));
  }

  private static String quoted(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }
}
