package cpcads.flink.redis;

import cpcads.flink.redis.SinkOptions.ControlKeys;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.MemorySize;
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
  private static final ConfigOption<String> URI = ConfigOptions.key("uri").stringType().noDefaultValue()
      .withDescription("redis[s]://[user[:password]@]host[:port][/database]. Flink shows this option in errors and in "
          + "SHOW CREATE TABLE, so credentials belong into the two options below.");
  private static final ConfigOption<String> USERNAME =
      ConfigOptions.key("username").stringType().defaultValue("").withDescription("Empty: the default user.");
  private static final ConfigOption<String> PASSWORD =
      ConfigOptions.key("password").stringType().defaultValue("").withDescription("Masked by Flink wherever it shows it.");
  private static final ConfigOption<String> TLS_CA_FILE =
      ConfigOptions.key("tls.ca-file").stringType().defaultValue("")
          .withDescription("Certificates (PEM) to trust, a path on the TaskManagers. Empty: those of the JVM.");
  private static final ConfigOption<Boolean> TLS_VERIFY_HOST =
      ConfigOptions.key("tls.verify-host").booleanType().defaultValue(true)
          .withDescription("The certificate must be for the host of the address.");
  private static final ConfigOption<String> VALUE_COLUMN =
      ConfigOptions.key("value.column").stringType().noDefaultValue()
          .withDescription("The STRING column that becomes the value; NULL is no change: the key keeps what it has. "
              + "The key is made of the primary key columns. A DELETE deletes the key.");
  private static final ConfigOption<String> KEY_PREFIX = ConfigOptions.key("key.prefix").stringType().defaultValue("");
  private static final ConfigOption<String> KEY_SEPARATOR =
      ConfigOptions.key("key.separator").stringType().defaultValue(":");
  private static final ConfigOption<Duration> TTL =
      ConfigOptions.key("ttl").durationType().defaultValue(Duration.ZERO).withDescription("Zero: keys stay.");
  private static final ConfigOption<String> PUBLISH_CHANNEL =
      ConfigOptions.key("publish.channel").stringType().defaultValue("")
          .withDescription("After each flush its version is published here (an empty text without version.key).");
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
  private static final ConfigOption<String> WRITER_KEY =
      ConfigOptions.key("writer.key").stringType().noDefaultValue()
          .withDescription("Token and last batch of the writer that holds this table. Default with mirror or "
              + "changes.key: epoch.key (else version.key) + ':writer'.");
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
              + "this long after the last key that was new to it. Zero: never.");
  private static final ConfigOption<Integer> BUFFER_MAX_KEYS =
      ConfigOptions.key("buffer.max-keys").intType().defaultValue(100_000)
          .withDescription("When so many keys wait for Redis, the statement waits. Not for a mirror: it holds all of "
              + "its keys anyway. Values that outlive their ttl meanwhile are forgotten.");
  private static final ConfigOption<MemorySize> BUFFER_MAX_BYTES =
      ConfigOptions.key("buffer.max-bytes").memoryType().defaultValue(MemorySize.ofMebiBytes(64))
          .withDescription("The same for the bytes of keys and values.");

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
    return Set.of(USERNAME, PASSWORD, TLS_CA_FILE, TLS_VERIFY_HOST, KEY_PREFIX, KEY_SEPARATOR, TTL, PUBLISH_CHANNEL,
        CHANGES_KEY, VERSION_KEY, EPOCH_KEY, WRITER_KEY, MIRROR, FLUSH_INTERVAL, FLUSH_MAX_ROWS, BUFFER_MAX_KEYS,
        BUFFER_MAX_BYTES, SWEEP_DELAY);
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
        "changes.key and version.key belong together: give both or none");
    require(mirror || options.getOptional(EPOCH_KEY).isEmpty(), "epoch.key is for a mirror: add mirror or leave it out");
    require(!mirror || options.get(TTL).isZero(), "a mirror would keep writing what its ttl took away: leave one of them out");
    require(!mirror || !prefix.isEmpty(), "a mirror owns all keys of its key.prefix, so it needs one");
    require(!options.get(TTL).isNegative(), "ttl must not be negative");
    require(options.get(FLUSH_MAX_ROWS) > 0, "flush.max-rows must be positive");
    require(options.get(BUFFER_MAX_KEYS) >= options.get(FLUSH_MAX_ROWS),
        "buffer.max-keys must not be below flush.max-rows");
    require(options.get(BUFFER_MAX_BYTES).getBytes() > 0, "buffer.max-bytes must be positive");
    ControlKeys controlKeys = controlKeys(options);
    OneSlot.check(prefix, controlKeys);
    return new SinkOptions(address(options), prefix, options.get(KEY_SEPARATOR), options.get(TTL),
        options.get(PUBLISH_CHANNEL), controlKeys, mirror, options.get(FLUSH_INTERVAL), options.get(FLUSH_MAX_ROWS),
        options.get(BUFFER_MAX_KEYS), options.get(BUFFER_MAX_BYTES).getBytes(), options.get(SWEEP_DELAY));
  }

  private static ControlKeys controlKeys(ReadableConfig options) {
    boolean mirror = options.get(MIRROR);
    if (!mirror && options.get(CHANGES_KEY).isEmpty()) return ControlKeys.NONE;
    String epoch = mirror ? options.getOptional(EPOCH_KEY).orElse(options.get(KEY_PREFIX) + "@epoch") : "";
    String writer = options.getOptional(WRITER_KEY).orElse((mirror ? epoch : options.get(VERSION_KEY)) + ":writer");
    return new ControlKeys(epoch, options.get(VERSION_KEY), options.get(CHANGES_KEY), writer);
  }

  private static RedisAddress address(ReadableConfig options) {
    try {
      return RedisAddress.of(options.get(URI), options.get(USERNAME), options.get(PASSWORD), options.get(TLS_CA_FILE),
          options.get(TLS_VERIFY_HOST));
    } catch (IllegalArgumentException e) {
      throw new ValidationException(e.getMessage());
    }
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) throw new ValidationException(otherwise);
  }
}
