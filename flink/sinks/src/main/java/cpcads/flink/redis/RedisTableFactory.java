package cpcads.flink.redis;

import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.logical.LogicalTypeFamily;
import org.apache.flink.table.types.logical.RowType;

/** {@code 'connector' = 'redis'}: one Redis string per primary key, upsert. */
public final class RedisTableFactory implements DynamicTableSinkFactory {
  private static final ConfigOption<String> URI = ConfigOptions.key("uri").stringType().noDefaultValue();
  private static final ConfigOption<String> VALUE_COLUMN =
      ConfigOptions.key("value.column").stringType().noDefaultValue()
          .withDescription("The STRING column that becomes the value. The key is made of the primary key columns.");
  private static final ConfigOption<String> KEY_PREFIX = ConfigOptions.key("key.prefix").stringType().defaultValue("");
  private static final ConfigOption<String> KEY_SEPARATOR =
      ConfigOptions.key("key.separator").stringType().defaultValue(":");
  private static final ConfigOption<Duration> TTL =
      ConfigOptions.key("ttl").durationType().defaultValue(Duration.ZERO).withDescription("Zero: keys stay.");
  private static final ConfigOption<String> PUBLISH_CHANNEL =
      ConfigOptions.key("publish.channel").stringType().defaultValue("")
          .withDescription("Changed keys are published here after each flush, one a line.");
  private static final ConfigOption<String> CHANGES_KEY =
      ConfigOptions.key("changes.key").stringType().defaultValue("")
          .withDescription("Sorted set of key -> version of its last change. Needs version.key.");
  private static final ConfigOption<String> VERSION_KEY =
      ConfigOptions.key("version.key").stringType().defaultValue("")
          .withDescription("Counter that rises by one with each flush.");
  private static final ConfigOption<String> EPOCH_KEY =
      ConfigOptions.key("epoch.key").stringType().noDefaultValue()
          .withDescription("Random id, set once everything is written. Missing: Redis came back empty. "
              + "Default with mirror: key.prefix + '@epoch'.");
  private static final ConfigOption<Boolean> MIRROR =
      ConfigOptions.key("mirror").booleanType().defaultValue(false)
          .withDescription("Keep all values in state and write them again when Redis has lost them.");
  private static final ConfigOption<Duration> FLUSH_INTERVAL =
      ConfigOptions.key("flush.interval").durationType().defaultValue(Duration.ofMillis(20));
  private static final ConfigOption<Integer> FLUSH_MAX_ROWS =
      ConfigOptions.key("flush.max-rows").intType().defaultValue(500);
  private static final ConfigOption<Duration> SWEEP_DELAY =
      ConfigOptions.key("sweep.delay").durationType().defaultValue(Duration.ofSeconds(30))
          .withDescription("A mirror that started without state deletes keys of its prefix that it does not know, "
              + "this long after its start. Zero: never.");

  @Override
  public String factoryIdentifier() {
    return "redis";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(URI, VALUE_COLUMN);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of(KEY_PREFIX, KEY_SEPARATOR, TTL, PUBLISH_CHANNEL, CHANGES_KEY, VERSION_KEY, EPOCH_KEY, MIRROR,
        FLUSH_INTERVAL, FLUSH_MAX_ROWS, SWEEP_DELAY);
  }

  @Override
  public DynamicTableSink createDynamicTableSink(Context context) {
    FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    ReadableConfig options = helper.getOptions();
    RowType row = (RowType) context.getPhysicalRowDataType().getLogicalType();
    int[] primaryKey = context.getPrimaryKeyIndexes();
    require(primaryKey.length > 0, "a redis table needs a PRIMARY KEY");
    int valueColumn = row.getFieldNames().indexOf(options.get(VALUE_COLUMN));
    require(valueColumn >= 0 && row.getTypeAt(valueColumn).is(LogicalTypeFamily.CHARACTER_STRING),
        "value.column must name a STRING column");
    RowData.FieldGetter[] keyColumns = Arrays.stream(primaryKey)
        .mapToObj(index -> RowData.createFieldGetter(row.getTypeAt(index), index))
        .toArray(RowData.FieldGetter[]::new);
    return new RedisTableSink(new RedisSink(checked(options), keyColumns, valueColumn));
  }

  private static SinkOptions checked(ReadableConfig options) {
    boolean mirror = options.get(MIRROR);
    String prefix = options.get(KEY_PREFIX);
    require(options.get(CHANGES_KEY).isEmpty() == options.get(VERSION_KEY).isEmpty(),
        "changes.key and version.key belong together");
    require(!mirror || options.get(TTL).isZero(), "a mirror would keep writing what its ttl took away");
    require(!mirror || !prefix.isEmpty(), "a mirror owns all keys of its key.prefix, so it needs one");
    require(options.get(FLUSH_MAX_ROWS) > 0, "flush.max-rows must be positive");
    return new SinkOptions(options.get(URI), prefix, options.get(KEY_SEPARATOR), options.get(TTL),
        options.get(PUBLISH_CHANNEL), options.get(CHANGES_KEY), options.get(VERSION_KEY),
        mirror ? options.getOptional(EPOCH_KEY).orElse(prefix + "@epoch") : "", mirror,
        options.get(FLUSH_INTERVAL), options.get(FLUSH_MAX_ROWS), options.get(SWEEP_DELAY));
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) throw new ValidationException(otherwise);
  }
}
