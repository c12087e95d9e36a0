package cpcads.flink.postgres;

import java.io.Serializable;
import java.time.Duration;

/** The options of one table, checked. No condition is an empty string. */
record PostgresOptions(
    String url,
    String username,
    String password,
    String table,
    String upsertCondition,
    Duration flushInterval,
    int flushMaxRows,
    int bufferMaxRows)
    implements Serializable {

  /** A text that may go to a log or into an error: whatever a driver or a server wrote, without the password. */
  String scrub(String text) {
    return text == null ? "" : password.isEmpty() ? text : text.replace(password, "******");
  }

  @Override
  public String toString() {
    return "postgres table " + table + " of " + username;
  }
}
