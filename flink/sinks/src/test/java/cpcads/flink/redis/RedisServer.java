package cpcads.flink.redis;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;

/** A real redis-server on a free port; the path of the program comes from the system property `redis.server`. */
final class RedisServer implements AutoCloseable {
  private static final long DEADLINE_MS = 20_000;
  private static final int HIGHEST_PORT = 65_535;
  private static final int PORTS_TRIED = 20;

  final int port;
  final Path folder;
  private final List<String> arguments;
  private Process process;

  private RedisServer(int port, Path folder, List<String> arguments) {
    this.port = port;
    this.folder = folder;
    this.arguments = arguments;
  }

  static RedisServer start(String... arguments) {
    return startBelow(HIGHEST_PORT, arguments);
  }

  /** On a port up to this one. A port that was free may be taken before the server has it: then on another one. */
  static RedisServer startBelow(int highestPort, String... arguments) {
    for (int attempt = 1; ; attempt++) {
      int port = freePort();
      if (port > highestPort) continue;
      try {
        return start(port, temporaryFolder(), arguments);
      } catch (AssertionError e) {
        if (attempt >= PORTS_TRIED || !e.getMessage().contains("Address already in use")) throw e;
      }
    }
  }

  static RedisServer start(int port, Path folder, String... arguments) {
    RedisServer server = new RedisServer(port, folder, List.of(arguments));
    server.run();
    server.awaitPort();
    return server;
  }

  String uri() {
    return "redis://127.0.0.1:" + port;
  }

  /** A connection of the test. */
  Jedis client() {
    return new Jedis(new HostAndPort("127.0.0.1", port), DefaultJedisClientConfig.builder().timeoutMillis(10_000).build());
  }

  /** As if the machine hung: connections stay open and are accepted, nothing answers. */
  void hang() {
    signal("-STOP");
  }

  void goOn() {
    signal("-CONT");
  }

  void kill() {
    process.destroyForcibly();
    await("the server is gone", () -> !process.isAlive());
  }

  /** After {@link #kill}: with what stands in its folder. */
  void startAgain() {
    run();
    awaitPort();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  static void await(String what, BooleanSupplier holds) {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(DEADLINE_MS);
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() > end) throw new AssertionError("not within " + DEADLINE_MS + " ms: " + what);
      pause();
    }
  }

  static int freePort() {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Below Maven's output, so that it goes with it. */
  static Path temporaryFolder() {
    try {
      Path output = Files.createDirectories(Path.of("target", "redis-servers").toAbsolutePath());
      return Files.createTempDirectory(output, "");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void pause() {
    try {
      Thread.sleep(10);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private void run() {
    String program = System.getProperty("redis.server");
    if (program == null) throw new AssertionError("these tests need a real server: mvn test -Dredis.server=<path of redis-server>");
    List<String> command = new ArrayList<>(List.of(program, "--port", Integer.toString(port), "--bind", "127.0.0.1",
        "--dir", folder.toString(), "--save", ""));
    command.addAll(arguments);
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
  }

  private void awaitPort() {
    await("redis-server listens", () -> {
      if (!process.isAlive()) throw new AssertionError("redis-server ended: " + log());
      // Its own words, from when it listens: somebody else may answer where it could not.
      return log().contains("Server initialized");
    });
  }

  private String log() {
    try {
      return Files.readString(folder.resolve("log"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  private void signal(String signal) {
    try {
      new ProcessBuilder("kill", signal, Long.toString(process.pid())).start().waitFor();
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
