package cpcads.flink.redis;

import java.util.Map;

/** Values one by one: they share nothing, so they may live on all nodes of a cluster. */
final class PlainTable implements RedisTable {
  private final SinkOptions options;
  private final KeyBook book;

  PlainTable(SinkOptions options, KeyBook book) {
    this.options = options;
    this.book = book;
  }

  @Override
  public void update(RedisNodes nodes, BatchSize size, Closed closed) {
    while (!closed.now()) {
      Map<String, Change> batch = book.nextBatch(size.rows(), size.chars());
      if (batch.isEmpty()) return;
      nodes.setAll(batch, options.ttl());
      if (!options.publishChannel().isEmpty()) nodes.publish(options.publishChannel(), "");
      book.confirm(batch);
    }
  }

  @Override
  public void connectionLost() {
    // Nothing was known about it.
  }

  @Override
  public boolean sweepDue() {
    return false;
  }
}
