package cpcads.flink.postgres;

import cpcads.flink.postgres.TableShape.Column;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Properties;
import org.postgresql.Driver;

/** Every call ends within the time-outs, or throws; after a throw, close and connect anew. */
final class PostgresConnection implements AutoCloseable {
  /** What the address may replace by parameters of its own. In seconds. */
  private static final String CONNECT_TIMEOUT = "5";
  private static final String ANSWER_TIMEOUT = "10";

  private final TableShape shape;
  private final Connection connection;
  private final PreparedStatement upsert;

  private PostgresConnection(TableShape shape, Connection connection, PreparedStatement upsert) {
    this.shape = shape;
    this.connection = connection;
    this.upsert = upsert;
  }

  static PostgresConnection open(PostgresOptions options, TableShape shape) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", options.username());
    properties.setProperty("password", options.password());
    properties.setProperty("connectTimeout", CONNECT_TIMEOUT);
    properties.setProperty("socketTimeout", ANSWER_TIMEOUT);
    properties.setProperty("tcpKeepAlive", "true");
    properties.setProperty("ApplicationName", "flink " + options.table());
    Connection connection = new Driver().connect(options.url(), properties);
    if (connection == null) throw new SQLException("not an address of PostgreSQL", "08001");
    try {
      String upsert = shape.upsert(options.table(), options.upsertCondition());
      return new PostgresConnection(shape, connection, connection.prepareStatement(upsert));
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  /** All or nothing: one statement is one transaction. */
  void write(List<Row> batch) throws SQLException {
    // In the order of their keys, so that two writers of a table wait for each other instead of blocking each other.
    List<Row> rows = new ArrayList<>(batch);
    rows.sort(Comparator.comparing(row -> row.key().toString()));
    List<Column> columns = shape.columns();
    for (int column = 0; column < columns.size(); column++) {
      Object[] values = new Object[rows.size()];
      for (int row = 0; row < values.length; row++) values[row] = rows.get(row).values()[column];
      upsert.setArray(column + 1, connection.createArrayOf(columns.get(column).type().sqlName, values));
    }
    upsert.executeUpdate();
  }

  /** From another thread: a call that waits for an answer throws at once. */
  void abort() throws SQLException {
    connection.abort(Runnable::run);
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
