package cpcads.flink.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.CatalogTable;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.catalog.ObjectIdentifier;
import org.apache.flink.table.catalog.ResolvedCatalogTable;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.catalog.UniqueConstraint;
import org.apache.flink.table.factories.FactoryUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Through Flink's own discovery, as a CREATE TABLE goes. */
class RedisTableFactoryTest {
  private static final Map<String, String> MIRROR = Map.of("connector", "redis", "uri", "redis://h", "value.column", "v",
      "key.prefix", "{t}:", "mirror", "true");

  private static RedisTableSink create(Map<String, String> base, String... more) {
    Map<String, String> options = new HashMap<>(base);
    for (int i = 0; i < more.length; i += 2) options.put(more[i], more[i + 1]);
    ResolvedSchema schema = new ResolvedSchema(
        List.of(Column.physical("k", DataTypes.STRING().notNull()), Column.physical("v", DataTypes.STRING())), List.of(),
        UniqueConstraint.primaryKey("pk", List.of("k")), List.of());
    CatalogTable table = CatalogTable.newBuilder()
        .schema(Schema.newBuilder().fromResolvedSchema(schema).build()).options(options).build();
    return (RedisTableSink) FactoryUtil.createDynamicTableSink(null, ObjectIdentifier.of("c", "d", "t"),
        new ResolvedCatalogTable(table, schema), Map.of(), new Configuration(), RedisTableFactoryTest.class.getClassLoader(),
        true);
  }

  private static String refusal(Map<String, String> base, String... more) {
    StringBuilder text = new StringBuilder();
    Throwable e = assertThrows(ValidationException.class, () -> create(base, more));
    for (; e != null; e = e.getCause()) text.append(e.getMessage()).append('\n');
    return text.toString();
  }

  @Test
  void aMirrorHasControlKeysBesideItsValues() {
    SinkOptions options = create(MIRROR).sink().options();
    assertEquals(new SinkOptions.ControlKeys("{t}:@epoch", "", "", "{t}:@epoch:writer"), options.controlKeys());
    assertTrue(options.address().verifyHost());
    assertTrue(options.scripted());
  }

  @Test
  void aTableWithoutMirrorAndChangeListNeedsNoTag() {
    SinkOptions options = create(MIRROR, "mirror", "false", "key.prefix", "performance:", "ttl", "15 min").sink().options();
    assertFalse(options.scripted());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "key.prefix     | t:            | write '{t}:'",
      "key.prefix     | {}t:          | write '{t}:'",
      "epoch.key      | t-epoch       | write '{t}-t-epoch'",
      "writer.key     | {u}-writer    | write '{t}-u-writer'",
      "ttl            | 1 min         | ttl took away",
      "changes.key    | {t}-changes   | give both or none",
      "flush.max-rows | 0             | must be positive",
      "buffer.max-keys| 1             | must not be below flush.max-rows",
      "uri            | http://h      | uri must be redis://",
      "tls.ca-file    | /ca.pem       | write rediss://",
      "value.column   | k2            | value.column must name a STRING column"})
  void whatCannotWorkIsRefusedWithWhatToDo(String option, String value, String advice) {
    assertTrue(refusal(MIRROR, option, value).contains(advice), refusal(MIRROR, option, value));
  }

  @Test
  void changeListAndValuesNeedOneTag() {
    String text = refusal(MIRROR, "changes.key", "changes", "version.key", "{t}-version");
    assertTrue(text.contains("'changes' is written together with key.prefix '{t}:'"), text);
  }

  @Test
  void thePasswordOptionIsMaskedWhereFlinkShowsTheOptions() {
    String text = refusal(MIRROR, "password", "geheim", "username", "flink", "flush.max-rows", "0");
    assertTrue(text.contains("'username'='flink'"), text);
    assertFalse(text.contains("geheim"), text);
    assertFalse(create(MIRROR, "password", "geheim").asSummaryString().contains("geheim"));
  }
}
