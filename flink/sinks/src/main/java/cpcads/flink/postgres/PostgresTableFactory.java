package cpcads.flink.postgres;

import cpcads.flink.postgres.TableShape.Column;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.logical.RowType;

/** {@code 'connector' = 'postgres'}: one row of a PostgreSQL table per primary key, upsert. */
public final class PostgresTableFactory implements DynamicTableSinkFactory {
  private static final String URL_PREFIX = "jdbc:postgresql:";

  private static final ConfigOption<String> URL = ConfigOptions.key("url").stringType().noDefaultValue()
      .withDescription("jdbc:postgresql://host:port/database?parameters, without a password.");
  private static final ConfigOption<String> USERNAME = ConfigOptions.key("username").stringType().noDefaultValue();
  private static final ConfigOption<String> PASSWORD = ConfigOptions.key("password").stringType().noDefaultValue();
  private static final ConfigOption<String> TABLE_NAME = ConfigOptions.key("table-name").stringType().noDefaultValue();
  private static final ConfigOption<String> UPSERT_CONDITION =
      ConfigOptions.key("upsert.condition").stringType().defaultValue("")
          .withDescription("SQL: when a new row (excluded) replaces the one that is there (stored). Empty: always.");
  private static final ConfigOption<Duration> FLUSH_INTERVAL =
      ConfigOptions.key("flush.interval").durationType().defaultValue(Duration.ofMillis(200));
  private static final ConfigOption<Integer> FLUSH_MAX_ROWS =
      ConfigOptions.key("flush.max-rows").intType().defaultValue(500);
  private static final ConfigOption<Integer> BUFFER_MAX_ROWS =
      ConfigOptions.key("buffer.max-rows").intType().defaultValue(50_000)
          .withDescription("When so many rows are not written yet, the statement waits.");

  @Override
  public String factoryIdentifier() {
    return "postgres";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(URL, USERNAME, PASSWORD, TABLE_NAME);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of(UPSERT_CONDITION, FLUSH_INTERVAL, FLUSH_MAX_ROWS, BUFFER_MAX_ROWS);
  }

  @Override
  public DynamicTableSink createDynamicTableSink(Context context) {
    FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    RowType row = (RowType) context.getPhysicalRowDataType().getLogicalType();
    int[] primaryKey = context.getPrimaryKeyIndexes();
    require(primaryKey.length > 0, "a postgres table needs a PRIMARY KEY");
    RowData.FieldGetter[] columns = IntStream.range(0, row.getFieldCount())
        .mapToObj(index -> RowData.createFieldGetter(row.getTypeAt(index), index))
        .toArray(RowData.FieldGetter[]::new);
    PostgresOptions options = checked(helper.getOptions());
    return new PostgresTableSink(new PostgresSink(options, new TableShape(columnsOf(row), primaryKey), columns));
  }

  private static List<Column> columnsOf(RowType row) {
    List<Column> columns = new ArrayList<>(row.getFieldCount());
    for (RowType.RowField field : row.getFields()) {
      columns.add(new Column(field.getName(), ColumnType.of(field.getType()).orElseThrow(() -> new ValidationException(
          "postgres column " + field.getName() + " is " + field.getType().asSummaryString()
              + "; it can be STRING, BIGINT (also for epoch milliseconds), INT or BOOLEAN"))));
    }
    return columns;
  }

  private static PostgresOptions checked(ReadableConfig options) {
    String url = options.get(URL);
    require(url.startsWith(URL_PREFIX), "url must start with " + URL_PREFIX);
    require(!url.toLowerCase(Locale.ROOT).contains("password=") && !url.contains("@"),
        "url must not hold user or password: they have options of their own");
    require(!options.get(TABLE_NAME).isBlank(), "table-name must name a table");
    require(options.get(FLUSH_MAX_ROWS) > 0, "flush.max-rows must be positive");
    require(options.get(BUFFER_MAX_ROWS) >= options.get(FLUSH_MAX_ROWS),
        "buffer.max-rows must not be below flush.max-rows");
    return new PostgresOptions(url, options.get(USERNAME), options.get(PASSWORD), options.get(TABLE_NAME),
        options.get(UPSERT_CONDITION), options.get(FLUSH_INTERVAL), options.get(FLUSH_MAX_ROWS),
        options.get(BUFFER_MAX_ROWS));
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) throw new ValidationException(otherwise);
  }
}
