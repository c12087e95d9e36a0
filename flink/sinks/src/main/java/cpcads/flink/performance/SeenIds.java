package cpcads.flink.performance;

import static cpcads.flink.performance.LaneNotes.GENERATION;
import static cpcads.flink.performance.LaneNotes.SEEN;
import static cpcads.flink.performance.LaneNotes.SEEN_BEFORE;
import static cpcads.flink.performance.LaneNotes.SEEN_LONG_AGO;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import org.apache.flink.table.api.dataview.MapView;

/**
 * The ids that were seen in a lane, by 128 bits of their SHA-256, in buckets: some 20 bytes each on the heap, where a
 * key of Flink's own takes more than 200. The buckets grow in number one by one (linear hashing, Litwin 1980), so that
 * no event pays for all of them. An id is known in the generation that it was first seen in and in the two after it.
 */
final class SeenIds {
  /** Ids per bucket, on average: more are more to write for each new one, fewer are more buckets. */
  static final int FILL = 24;
  private static final int ID_LONGS = 2;
  private static final int GENERATION_SHIFT = 40;

  private final MessageDigest digest = sha256();

  /** Whether the id has not been seen before; it has from now on. */
  boolean isFirst(byte[] id, long generation, long[] lane, MapView<Long, long[]> buckets) throws Exception {
    turnTo(generation, lane, buckets);
    ByteBuffer hash = ByteBuffer.wrap(digest.digest(id));
    long high = hash.getLong();
    long low = hash.getLong();
    long now = lane[GENERATION];
    if (contains(high, low, now - 1, lane[SEEN_BEFORE], buckets)) return false;
    if (contains(high, low, now - 2, lane[SEEN_LONG_AGO], buckets)) return false;
    long number = bucketsFor(lane[SEEN]);
    long key = keyOf(now, addressOf(high, number));
    long[] ids = buckets.get(key);
    if (indexOf(high, low, ids) >= 0) return false;
    buckets.put(key, append(ids, high, low));
    lane[SEEN] += 1;
    if (bucketsFor(lane[SEEN]) > number) split(now, number, buckets);
    return true;
  }

  /** Forgets the generations that are over. A real clock that goes back changes nothing. */
  private static void turnTo(long generation, long[] lane, MapView<Long, long[]> buckets) throws Exception {
    while (lane[GENERATION] < generation) {
      if (lane[SEEN] == 0 && lane[SEEN_BEFORE] == 0 && lane[SEEN_LONG_AGO] == 0) {
        lane[GENERATION] = generation;
        return;
      }
      forget(lane[GENERATION] - 2, lane[SEEN_LONG_AGO], buckets);
      lane[SEEN_LONG_AGO] = lane[SEEN_BEFORE];
      lane[SEEN_BEFORE] = lane[SEEN];
      lane[SEEN] = 0;
      lane[GENERATION] += 1;
    }
  }

  private static void forget(long generation, long seen, MapView<Long, long[]> buckets) throws Exception {
    if (seen == 0) return;
    for (long bucket = bucketsFor(seen) - 1; bucket >= 0; bucket--) buckets.remove(keyOf(generation, bucket));
  }

  private static boolean contains(long high, long low, long generation, long seen, MapView<Long, long[]> buckets)
      throws Exception {
    return seen > 0 && indexOf(high, low, buckets.get(keyOf(generation, addressOf(high, bucketsFor(seen))))) >= 0;
  }

  /** The next bucket takes what is addressed to it from now on out of the one that had it. */
  private static void split(long generation, long number, MapView<Long, long[]> buckets) throws Exception {
    long from = keyOf(generation, number - Long.highestOneBit(number));
    long[] ids = buckets.get(from);
    if (ids == null) return;
    long[] moved = new long[ids.length];
    long[] kept = new long[ids.length];
    int movedTo = 0;
    int keptTo = 0;
    for (int at = 0; at < ids.length; at += ID_LONGS) {
      if (addressOf(ids[at], number + 1) == number) {
        moved[movedTo++] = ids[at];
        moved[movedTo++] = ids[at + 1];
      } else {
        kept[keptTo++] = ids[at];
        kept[keptTo++] = ids[at + 1];
      }
    }
    if (movedTo == 0) return;
    buckets.put(keyOf(generation, number), Arrays.copyOf(moved, movedTo));
    if (keptTo == 0) buckets.remove(from);
    else buckets.put(from, Arrays.copyOf(kept, keptTo));
  }

  static long bucketsFor(long seen) {
    return seen / FILL + 1;
  }

  /** Of `number` buckets those behind the last power of two are split already, and share the hashes of as many. */
  static long addressOf(long hash, long number) {
    long half = Long.highestOneBit(number);
    long address = hash & 2 * half - 1;
    return address < number ? address : hash & half - 1;
  }

  private static long keyOf(long generation, long bucket) {
    return generation << GENERATION_SHIFT | bucket;
  }

  private static int indexOf(long high, long low, long[] ids) {
    if (ids == null) return -1;
    for (int at = 0; at < ids.length; at += ID_LONGS) if (ids[at] == high && ids[at + 1] == low) return at;
    return -1;
  }

  private static long[] append(long[] ids, long high, long low) {
    if (ids == null) return new long[] {high, low};
    long[] more = Arrays.copyOf(ids, ids.length + ID_LONGS);
    more[ids.length] = high;
    more[ids.length + 1] = low;
    return more;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
