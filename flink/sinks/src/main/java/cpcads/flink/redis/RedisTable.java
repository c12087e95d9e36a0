package cpcads.flink.redis;

/** How a table brings its book to Redis. One thread only. */
interface RedisTable {
  /** How much of the book one call may carry. */
  record BatchSize(int rows, int chars) {}

  /** Whether the writer was closed; asked between calls. */
  interface Closed {
    boolean now();
  }

  /** Writes what is unconfirmed. Throws when Redis does not answer or refuses; then this is called again later. */
  void update(RedisNodes nodes, BatchSize size, Closed closed) throws NewerWriterException;

  /** Which Redis comes next is not known. */
  void connectionLost();

  /** Left over keys are still to be swept away; part of the state. */
  boolean sweepDue();

  /**
   * Another attempt of this job, or another job, has taken the table: what this one still holds is older. Ends the
   * task, so that two jobs that fight for a table are seen, and a clock that was behind is passed by the next attempt.
   */
  final class NewerWriterException extends Exception {
    private static final long serialVersionUID = 1L;

    NewerWriterException(String keyPrefix) {
      super("a newer writer holds redis keys " + keyPrefix + "*: this one is left over from a failover, or two jobs "
          + "write the same table; cancel the one that is not wanted");
    }
  }
}
