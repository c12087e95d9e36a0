package cpcads.flink.redis;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.metrics.groups.SinkWriterMetricGroup;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.RowKind;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Flink's side: notes what changed and returns at once. {@link RedisUpdater} brings it to Redis on its own thread. */
final class RedisWriter implements StatefulSinkWriter<RowData, SinkState> {
  private static final Logger LOG = LoggerFactory.getLogger(RedisWriter.class);
  private static final int STATE_PIECE_ROWS = 500;
  private static final long POLL_MS = 100;

  private final RedisSink sink;
  private final KeyBook book;
  private final RedisTable table;
  private final RedisUpdater updater;
  private final long token;

  RedisWriter(RedisSink sink, SinkWriterMetricGroup metrics, Collection<SinkState> restored) {
    SinkOptions options = sink.options();
    this.sink = sink;
    this.book = new KeyBook(new KeyBook.Bounds(options.mirror(), options.ttl(), options.bufferMaxKeys(),
        options.bufferMaxBytes()), System::currentTimeMillis);
    restored.forEach(piece -> book.restore(piece.changes()));
    this.token = tokenAfter(restored);
    boolean sweepDue = restored.isEmpty() || restored.stream().anyMatch(SinkState::sweepDue);
    this.table = options.scripted() ? new ScriptedTable(options, book, token, sweepDue) : new PlainTable(options, book);
    this.updater = new RedisUpdater(options, book, table);
    metrics.gauge("waitingKeys", book::unconfirmedCount);
    metrics.gauge("waitingBytes", book::unconfirmedBytes);
    metrics.gauge("expiredKeys", book::expiredCount);
    metrics.gauge("lastWriteAgeMs", updater::lastWriteAgeMs);
    metrics.gauge("failedWrites", updater::failures);
    updater.start();
  }

  /** Rises with time and, whatever the clocks of two machines say, from the writer of a checkpoint to its heir. */
  private static long tokenAfter(Collection<SinkState> restored) {
    long last = restored.stream().mapToLong(SinkState::token).max().orElse(0);
    return Math.max(System.currentTimeMillis(), last + 1);
  }

  /**
   * A NULL value is no change: the key keeps what it has. A full book makes the statement wait, so an outage takes a
   * bounded amount of memory; the log holds the rest. Checkpoints wait behind it, for as long as that lasts.
   */
  @Override
  public void write(RowData row, Context context) throws IOException, InterruptedException {
    updater.failIfDead();
    boolean delete = row.getRowKind() == RowKind.DELETE;
    String value = delete ? null : sink.valueOf(row);
    if (value == null && !delete) return;
    String key = sink.keyOf(row);
    if (!book.put(key, value, POLL_MS)) waitForRoom(key, value);
  }

  private void waitForRoom(String key, String value) throws IOException, InterruptedException {
    LOG.warn("redis-buffer-full ({}): {} keys, {} bytes wait for redis, so the statement and its checkpoints wait too",
        sink.options().keyPrefix(), book.unconfirmedCount(), book.unconfirmedBytes());
    do updater.failIfDead();
    while (!book.put(key, value, POLL_MS));
  }

  /** At a checkpoint nothing has to be written: what Redis has not confirmed is in the state. */
  @Override
  public void flush(boolean endOfInput) throws IOException, InterruptedException {
    updater.failIfDead();
    while (endOfInput && !book.awaitConfirmed(POLL_MS)) updater.failIfDead();
  }

  /** Always at least one piece: having state is what tells a restore from a fresh start. */
  @Override
  public List<SinkState> snapshotState(long checkpointId) {
    // Asked before: a sweep that ends meanwhile has put its deletes into the book.
    boolean sweepDue = table.sweepDue();
    return book.snapshot(STATE_PIECE_ROWS).stream().map(piece -> new SinkState(token, sweepDue, piece)).toList();
  }

  @Override
  public void close() {
    updater.close();
  }

  /** For tests: the thread that has to be gone when this is closed. */
  RedisUpdater updater() {
    return updater;
  }
}
