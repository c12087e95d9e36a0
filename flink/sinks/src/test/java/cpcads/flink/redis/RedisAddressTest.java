package cpcads.flink.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;

class RedisAddressTest {
  private static RedisAddress of(String uri) {
    return RedisAddress.of(uri, "", "", "", true);
  }

  @Test
  void userAndPasswordArePercentDecoded() {
    RedisAddress address = of("rediss://fl%3Aink:p%40ss%2Fw%2B+%25@redis.example:6380/3");
    assertEquals("fl:ink", address.username());
    assertEquals("p@ss/w++%", address.password());
    assertEquals("redis.example", address.host());
    assertEquals(6380, address.port());
    assertEquals(3, address.database());
    assertTrue(address.tls());
  }

  @Test
  void aPasswordAloneIsThatOfTheDefaultUser() {
    RedisAddress address = of("redis://:secret@localhost");
    assertEquals("", address.username());
    assertEquals("secret", address.password());
    assertEquals(6379, address.port());
    assertEquals(0, address.database());
    assertFalse(address.tls());
  }

  @Test
  void ownOptionsWinOverTheAddress() {
    RedisAddress address = RedisAddress.of("redis://a:b@[::1]:1/", "user", "word", "", true);
    assertEquals("user", address.username());
    assertEquals("word", address.password());
    assertEquals("::1", address.host());
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://:geheim@h", "redis://:geheim@", "redis://:ge heim@h", "redis://:geheim@under_score",
      "redis://:geheim@h/a", "redis://:geheim@h?x=1", "geheim", "redis://:geheim@h:port"})
  void aRefusalSaysWhatToDoAndNotThePassword(String uri) {
    String message = assertThrows(IllegalArgumentException.class, () -> of(uri)).getMessage();
    assertTrue(message.contains("redis://"), message);
    assertFalse(message.contains("geheim") || message.contains("ge heim"), message);
  }

  @Test
  void aCaFileNeedsTls() {
    String message = assertThrows(IllegalArgumentException.class,
        () -> RedisAddress.of("redis://h", "", "", "/ca.pem", true)).getMessage();
    assertTrue(message.contains("rediss://"), message);
  }

  @Test
  void noTextMadeFromItHoldsThePassword() {
    RedisAddress address = of("redis://flink:geheim@h");
    assertFalse(address.toString().contains("geheim"));
    assertFalse(Tables.ranking("redis://flink:geheim@h").toString().contains("geheim"));
    String reason = Refusal.reason(address, new JedisConnectionException("AUTH geheim", new RuntimeException("geheim!")));
    assertFalse(reason.contains("geheim"), reason);
  }

  @Test
  void aRefusalOfRedisHasANextStep() {
    assertEquals("OOM command not allowed; raise maxmemory, nothing here may be evicted",
        Refusal.reason(of("redis://h"), new JedisDataException("OOM command not allowed")));
  }
}
