package cpcads.flink.redis;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.RowKind;

/** Flink's side: notes what changed and returns at once. {@link RedisUpdater} brings it to Redis on its own thread. */
final class RedisWriter implements StatefulSinkWriter<RowData, Map<String, String>> {
  private static final int STATE_PIECE_ROWS = 500;
  private static final long POLL_MS = 100;

  private final RedisSink sink;
  private final KeyBook book;
  private final RedisUpdater updater;

  RedisWriter(RedisSink sink, Collection<Map<String, String>> restored) {
    this.sink = sink;
    this.book = new KeyBook(sink.options().mirror());
    restored.forEach(book::restore);
    this.updater = new RedisUpdater(sink.options(), book, restored.isEmpty());
    updater.start();
  }

  @Override
  public void write(RowData row, Context context) throws IOException {
    updater.failIfDead();
    book.put(sink.keyOf(row), row.getRowKind() == RowKind.DELETE ? null : sink.valueOf(row));
  }

  /** At a checkpoint nothing has to be written: what Redis has not confirmed is in the state. */
  @Override
  public void flush(boolean endOfInput) throws IOException, InterruptedException {
    while (endOfInput && !book.awaitConfirmed(POLL_MS)) updater.failIfDead();
  }

  @Override
  public List<Map<String, String>> snapshotState(long checkpointId) {
    return book.snapshot(STATE_PIECE_ROWS);
  }

  @Override
  public void close() throws InterruptedException {
    updater.close();
  }
}
