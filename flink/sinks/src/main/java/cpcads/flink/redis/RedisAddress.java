package cpcads.flink.redis;

import java.io.Serializable;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import redis.clients.jedis.HostAndPort;

/**
 * Where Redis is and how to get in: {@code redis[s]://[user[:password]@]host[:port][/database]}, user and password
 * percent-encoded. No error and no text made from it holds the password.
 *
 * @param caFile certificates (PEM) to trust instead of those of the JVM, a path on the TaskManagers. May be empty.
 */
record RedisAddress(
    String host, int port, boolean tls, String username, String password, int database, String caFile, boolean verifyHost)
    implements Serializable {
  private static final int DEFAULT_PORT = 6379;
  private static final String SHAPE = "uri must be redis://host:port/database or rediss:// for TLS";

  /**
   * User and password given apart from the address win.
   *
   * @throws IllegalArgumentException that says what to do, and never what the password was.
   */
  static RedisAddress of(String uri, String username, String password, String caFile, boolean verifyHost) {
    URI parsed = parsed(uri);
    String scheme = parsed.getScheme() == null ? "" : parsed.getScheme();
    require(scheme.equals("redis") || scheme.equals("rediss"), SHAPE);
    require(parsed.getHost() != null, SHAPE + "; a host name has letters, digits, dots and dashes only");
    require(parsed.getRawQuery() == null && parsed.getRawFragment() == null, SHAPE + "; there are no parameters behind it");
    boolean tls = scheme.equals("rediss");
    require(tls || caFile.isEmpty(), "tls.ca-file is for TLS: write rediss:// or leave it out");
    String[] login = parsed.getRawUserInfo() == null ? new String[0] : parsed.getRawUserInfo().split(":", 2);
    return new RedisAddress(parsed.getHost().replaceAll("[\\[\\]]", ""), parsed.getPort() < 0 ? DEFAULT_PORT : parsed.getPort(), tls,
        username.isEmpty() && login.length > 0 ? decoded(login[0]) : username,
        password.isEmpty() && login.length > 1 ? decoded(login[1]) : password,
        databaseOf(parsed.getPath()), caFile, verifyHost);
  }

  HostAndPort node() {
    return new HostAndPort(host, port);
  }

  /** A text that may go to a log or into an error: whatever a driver or a server wrote, without the password. */
  String scrub(String text) {
    return text == null ? "" : password.isEmpty() ? text : text.replace(password, "******");
  }

  @Override
  public String toString() {
    return (tls ? "rediss://" : "redis://") + host + ":" + port + "/" + database;
  }

  private static URI parsed(String uri) {
    try {
      return new URI(uri);
    } catch (URISyntaxException e) {
      // Its message holds the whole address.
      throw new IllegalArgumentException(SHAPE + "; user and password in it must be percent-encoded");
    }
  }

  private static int databaseOf(String path) {
    if (path == null || path.isEmpty() || path.equals("/")) return 0;
    require(path.matches("/\\d{1,4}"), SHAPE + "; the database is a number");
    return Integer.parseInt(path.substring(1));
  }

  private static String decoded(String text) {
    // A plus sign is itself here, not a space.
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) throw new IllegalArgumentException(otherwise);
  }
}
