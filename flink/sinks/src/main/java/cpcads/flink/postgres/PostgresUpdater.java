package cpcads.flink.postgres;

import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import java.util.Set;
import org.apache.flink.metrics.Counter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the book to PostgreSQL, for ever: a server that is away, hangs, restarts or does not let us in delays it and
 * never ends it.
 *
 * <p>A row that PostgreSQL will not have (a constraint, a value out of range) is found by halving the batch. It does
 * not fail the job: a restored job would meet it again at once, and then one row would keep all others, and the other
 * sinks of the statement, from ever being written. It does not vanish either, since the reason may be a constraint
 * that somebody repairs: it stands aside, is counted and logged as an error, is part of each checkpoint, and is tried
 * again every few seconds. Many of them fill the book, and then the statement waits.
 */
final class PostgresUpdater extends Thread {
  private static final Logger LOG = LoggerFactory.getLogger(PostgresUpdater.class);
  private static final long IDLE_MS = 1_000;
  private static final long FIRST_BACKOFF_MS = 50;
  private static final long LAST_BACKOFF_MS = 1_000;
  private static final long RETRY_REFUSED_MS = 10_000;
  private static final long REMIND_MS = 60_000;
  private static final long JOIN_MS = 1_000;
  private static final int MAX_MESSAGE_CHARS = 300;
  /**
   * Classes of SQLSTATE that blame a row: cardinality, data, integrity, check of a view, limits of one value, an
   * exception of a trigger. All others blame the server, the connection, our rights or the table: no row is at fault.
   */
  private static final Set<String> ROW_CLASSES = Set.of("21", "22", "23", "44", "54", "P0");

  private final PostgresOptions options;
  private final TableShape shape;
  private final RowBook book;
  private final Counter written;
  private final Counter refusals;
  private volatile PostgresConnection connection;
  private volatile boolean closed;
  private volatile Throwable death;
  private long backoffMs;
  private long remindAt;
  private long retryRefusedAt = System.nanoTime();

  PostgresUpdater(PostgresOptions options, TableShape shape, RowBook book, Counter written, Counter refusals) {
    super("postgres-sink " + options.table());
    setDaemon(true);
    this.options = options;
    this.shape = shape;
    this.book = book;
    this.written = written;
    this.refusals = refusals;
  }

  @Override
  public void run() {
    try {
      while (!closed) {
        retryRefused();
        if (!book.awaitRow(IDLE_MS)) continue;
        Thread.sleep(options.flushInterval().toMillis());
        attempt();
      }
    } catch (InterruptedException e) {
      if (!closed) death = e;
    } catch (RuntimeException | Error e) {
      death = e;
    } finally {
      disconnect();
    }
  }

  void failIfDead() throws IOException {
    if (death != null) throw new IOException("the postgres sink thread ended", death);
  }

  /** Never throws, and ends soon whatever PostgreSQL does: what was not written is in the state. */
  void close() {
    closed = true;
    interrupt();
    try {
      join(JOIN_MS);
      abort();
      join(JOIN_MS);
    } catch (InterruptedException e) {
      abort();
      Thread.currentThread().interrupt();
    }
  }

  private void attempt() throws InterruptedException {
    try {
      update();
      if (backoffMs > 0) LOG.info("postgres is back ({})", options.table());
      backoffMs = 0;
    } catch (SQLException | RuntimeException e) {
      if (closed) return;
      if (backoffMs == 0 || System.nanoTime() - remindAt >= 0) remind(e);
      disconnect();
      backoffMs = Math.min(LAST_BACKOFF_MS, Math.max(FIRST_BACKOFF_MS, backoffMs * 2));
      Thread.sleep(backoffMs);
    }
  }

  private void update() throws SQLException {
    while (!closed) {
      List<Row> batch = book.nextBatch(options.flushMaxRows());
      if (batch.isEmpty()) return;
      if (connection == null) connection = PostgresConnection.open(options, shape);
      // Connecting may have taken longer than this writer lives: its successor has these rows now.
      if (!closed) write(batch);
    }
  }

  private void write(List<Row> batch) throws SQLException {
    try {
      connection.write(batch);
      book.confirm(batch);
      written.inc(batch.size());
    } catch (SQLException e) {
      if (!blamesRow(e)) throw e;
      if (batch.size() == 1) {
        setAside(batch.get(0), e);
        return;
      }
      int half = batch.size() / 2;
      write(batch.subList(0, half));
      write(batch.subList(half, batch.size()));
    }
  }

  private void setAside(Row row, SQLException why) {
    book.setAside(row);
    refusals.inc();
    LOG.error("postgres ({}) refuses row {}: {}", options.table(), row.key(), reason(why));
  }

  private void retryRefused() {
    if (book.refusedCount() == 0 || System.nanoTime() - retryRefusedAt < 0) return;
    retryRefusedAt = System.nanoTime() + RETRY_REFUSED_MS * 1_000_000;
    book.retryRefused(options.flushMaxRows());
  }

  private void remind(Exception why) {
    remindAt = System.nanoTime() + REMIND_MS * 1_000_000;
    LOG.warn("postgres ({}), {} rows waiting: {}", options.table(), book.waitingCount(), reason(why));
  }

  private static boolean blamesRow(SQLException e) {
    String state = e.getSQLState();
    return state != null && state.length() == 5 && ROW_CLASSES.contains(state.substring(0, 2));
  }

  /** One line: no stack, no rows, no password. */
  private String reason(Exception e) {
    String state = e instanceof SQLException sql && sql.getSQLState() != null ? sql.getSQLState() + " " : "";
    String text = options.scrub(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
    return state + text.substring(0, Math.min(text.length(), MAX_MESSAGE_CHARS));
  }

  private void abort() {
    PostgresConnection open = connection;
    if (open == null) return;
    try {
      open.abort();
    } catch (SQLException | RuntimeException e) {
      LOG.debug("aborting a connection: {}", reason(e));
    }
  }

  private void disconnect() {
    PostgresConnection open = connection;
    connection = null;
    if (open == null) return;
    try {
      open.close();
    } catch (SQLException | RuntimeException e) {
      LOG.debug("closing a broken connection: {}", reason(e));
    }
  }
}
