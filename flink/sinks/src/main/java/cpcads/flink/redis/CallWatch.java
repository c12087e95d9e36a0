package cpcads.flink.redis;

import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Bounds calls as a whole: one that does not end in time has its socket broken, so it throws. */
final class CallWatch implements AutoCloseable {
  private final ScheduledThreadPoolExecutor timer;
  private final long limitMs;

  CallWatch(String name, long limitMs) {
    this.limitMs = limitMs;
    this.timer = new ScheduledThreadPoolExecutor(1, task -> {
      Thread thread = new Thread(task, name);
      thread.setDaemon(true);
      return thread;
    });
    timer.setRemoveOnCancelPolicy(true);
  }

  <T> T within(RedisSocket socket, Supplier<T> call) {
    Future<?> end = timer.schedule(socket::breakOff, limitMs, TimeUnit.MILLISECONDS);
    try {
      return call.get();
    } finally {
      end.cancel(false);
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
