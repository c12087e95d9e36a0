package cpcads.flink.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisException;

/** A server that is reached by TLS and asks who we are. Its certificate is for `localhost`. */
class RedisTlsTest {
  private static final String PASSWORD = "p@ss/w+1";
  private static final String LOGIN = "fl%3Aink:p%40ss%2Fw+1";
  private static final int TLS_PORT = RedisServer.freePort();
  private static RedisServer server;
  private static Jedis redis;
  private static String ca;

  @BeforeAll
  static void start() throws IOException, InterruptedException, GeneralSecurityException {
    Path folder = RedisServer.temporaryFolder();
    Path store = folder.resolve("store.p12");
    Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), "-genkeypair",
        "-alias", "redis", "-keyalg", "EC", "-dname", "CN=localhost", "-ext", "san=dns:localhost", "-validity", "2",
        "-storetype", "PKCS12", "-keystore", store.toString(), "-storepass", "changeit").inheritIO().start();
    assertEquals(0, keytool.waitFor());
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, "changeit".toCharArray());
    }
    ca = pem(folder, "CERTIFICATE", keys.getCertificate("redis").getEncoded());
    String key = pem(folder, "PRIVATE KEY", keys.getKey("redis", "changeit".toCharArray()).getEncoded());
    server = RedisServer.start("--tls-port", Integer.toString(TLS_PORT), "--tls-cert-file", ca, "--tls-key-file", key,
        "--tls-ca-cert-file", ca, "--tls-auth-clients", "no");
    redis = server.client();
    redis.aclSetUser("fl:ink", "on", ">" + PASSWORD, "~*", "&*", "+@all");
  }

  @AfterAll
  static void stop() {
    redis.close();
    server.close();
  }

  private static String pem(Path folder, String kind, byte[] der) throws IOException {
    String text = "-----BEGIN " + kind + "-----\n" + Base64.getMimeEncoder().encodeToString(der) + "\n-----END " + kind + "-----\n";
    return Files.writeString(folder.resolve(kind.replace(' ', '-') + ".pem"), text).toString();
  }

  private static RedisAddress address(String host, String caFile, boolean verifyHost) {
    return RedisAddress.of("rediss://" + LOGIN + "@" + host + ":" + TLS_PORT, "", "", caFile, verifyHost);
  }

  private static String refusal(RedisAddress address) {
    try (RedisNodes nodes = new RedisNodes(address, "test")) {
      return Refusal.reason(address, assertThrows(JedisException.class, () -> nodes.publish("channel", "hello")));
    }
  }

  @Test
  void aWriterGetsInWithUserAndPassword() throws IOException, InterruptedException {
    SinkOptions base = Tables.ranking("redis://h");
    SinkOptions options = new SinkOptions(address("localhost", ca, true), base.keyPrefix(), ":", base.ttl(), "",
        base.controlKeys(), true, base.flushInterval(), 500, 1_000, 1_000_000, base.sweepDelay());
    RedisWriter writer = Tables.writer(options, List.of());
    Tables.put(writer, "a", "x".repeat(1_000_000));
    writer.flush(true);
    assertEquals(1_000_000, redis.strlen("{t}:a"));
    assertTrue(redis.clientList().contains("user=fl:ink"));
    writer.close();
  }

  @Test
  void aCertificateThatNobodyTrustsIsRefused() {
    String reason = refusal(address("localhost", "", true));
    assertTrue(reason.contains("PKIX") && reason.contains("tls.ca-file must hold"), reason);
  }

  @Test
  void aCertificateOfAnotherHostIsRefusedUnlessThatWasSwitchedOff() {
    String reason = refusal(address("127.0.0.1", ca, true));
    assertTrue(reason.contains("subject alternative names"), reason);
    try (RedisNodes nodes = new RedisNodes(address("127.0.0.1", ca, false), "test")) {
      nodes.publish("channel", "hello");
    }
  }

  @Test
  void aMissingFileIsNamed() {
    String reason = refusal(address("localhost", "/no/such/ca.pem", true));
    assertTrue(reason.contains("/no/such/ca.pem"), reason);
  }

  @Test
  void aWrongPasswordIsRefusedWithoutShowingIt() {
    RedisAddress wrong = RedisAddress.of("rediss://localhost:" + TLS_PORT, "fl:ink", "geheim", ca, true);
    String reason = refusal(wrong);
    assertTrue(reason.contains("WRONGPASS") && !reason.contains("geheim"), reason);
    assertTrue(reason.contains("REDIS_URL"), reason);
  }

  @Test
  void aPasswordAloneIsThatOfTheDefaultUser() {
    try (RedisServer closed = RedisServer.start("--requirepass", PASSWORD)) {
      String tail = "@127.0.0.1:" + closed.port;
      try (RedisNodes nodes = new RedisNodes(Tables.address("redis://:p%40ss%2Fw+1" + tail), "test")) {
        nodes.publish("channel", "hello");
      }
      assertTrue(refusal(Tables.address("redis://127.0.0.1:" + closed.port)).contains("NOAUTH"));
    }
  }
}
