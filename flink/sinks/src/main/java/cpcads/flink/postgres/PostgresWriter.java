package cpcads.flink.postgres;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.groups.SinkWriterMetricGroup;
import org.apache.flink.table.data.RowData;

/** Flink's side: notes the row and returns at once. {@link PostgresUpdater} brings it to PostgreSQL on its own thread. */
final class PostgresWriter implements StatefulSinkWriter<RowData, List<Row>> {
  private static final int STATE_PIECE_ROWS = 500;
  private static final long POLL_MS = 100;

  private final PostgresSink sink;
  private final RowBook book;
  private final PostgresUpdater updater;
  /** By table: figures of a job are read by the last part of their name. */
  private final Counter taken;

  PostgresWriter(PostgresSink sink, SinkWriterMetricGroup metrics, Collection<List<Row>> restored) {
    this.sink = sink;
    this.book = new RowBook(sink.options().bufferMaxRows());
    restored.forEach(book::restore);
    metrics.gauge("waitingRows", book::waitingCount);
    metrics.gauge("refusedRows", book::refusedCount);
    this.taken = metrics.counter("takenRows_" + sink.options().table());
    this.updater = new PostgresUpdater(sink.options(), sink.shape(), book, metrics.getNumRecordsSendCounter(),
        metrics.getNumRecordsSendErrorsCounter());
    updater.start();
  }

  /** A full book makes the statement wait, so an outage takes a bounded amount of memory; the log holds the rest. */
  @Override
  public void write(RowData data, Context context) throws IOException, InterruptedException {
    Row row = sink.rowOf(data);
    do updater.failIfDead();
    while (!book.put(row, POLL_MS));
    taken.inc();
  }

  /** At a checkpoint nothing has to be written: what PostgreSQL has not confirmed is in the state. */
  @Override
  public void flush(boolean endOfInput) throws IOException, InterruptedException {
    if (!endOfInput) return;
    while (!book.awaitWritten(POLL_MS)) updater.failIfDead();
    int refused = book.refusedCount();
    if (refused > 0) throw new IOException("postgres refused " + refused + " rows, and no more input will come");
  }

  @Override
  public List<List<Row>> snapshotState(long checkpointId) {
    return book.snapshot(STATE_PIECE_ROWS);
  }

  @Override
  public void close() {
    updater.close();
  }
}
