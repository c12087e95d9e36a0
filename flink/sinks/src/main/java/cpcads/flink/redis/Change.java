package cpcads.flink.redis;

/**
 * What a key should become. Compared by identity: a key that was set again, even to the same value, is another change.
 *
 * @param value null: the key is deleted.
 * @param atMs when Flink gave it (epoch ms): a TTL counts from here, also across a restore.
 */
record Change(String value, long atMs) {
  /** UTF-8 bytes of key and value, as Redis counts them. */
  static long bytes(String key, String value) {
    return utf8Bytes(key) + (value == null ? 0 : utf8Bytes(value));
  }

  private static long utf8Bytes(String text) {
    long bytes = text.length();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      // Half of a surrogate pair stands for two of the pair's four bytes.
      if (c >= 0x800 && !Character.isSurrogate(c)) bytes += 2;
      else if (c >= 0x80) bytes += 1;
    }
    return bytes;
  }
}
