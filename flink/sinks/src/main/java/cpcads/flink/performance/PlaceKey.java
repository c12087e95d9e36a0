package cpcads.flink.performance;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.binary.BinaryStringData;

/**
 * An ad of a campaign on a placement as one text, the lengths of the first two before them: to find it touches the
 * memory of one string, where three columns would be a dozen objects.
 */
final class PlaceKey {
  /** Bytes of a length, seven bits each: text in any encoding. */
  private static final int LENGTH_BYTES = 3;
  private static final int LENGTH_BITS = 7;

  private byte[] text = new byte[128];
  private int length;

  String of(StringData adId, StringData campaignId, StringData placement) {
    length = 0;
    append((BinaryStringData) placement, true);
    append((BinaryStringData) adId, true);
    append((BinaryStringData) campaignId, false);
    return new String(text, 0, length, StandardCharsets.UTF_8);
  }

  private void append(BinaryStringData part, boolean withLength) {
    part.ensureMaterialized();
    int size = part.getSizeInBytes();
    if (length + size + LENGTH_BYTES > text.length) text = Arrays.copyOf(text, 2 * (length + size + LENGTH_BYTES));
    if (withLength) {
      for (int i = 0; i < LENGTH_BYTES; i++) text[length++] = (byte) (size >> i * LENGTH_BITS & 0x7f);
    }
    byte[] bytes = part.getSegments().length == 1 ? null : part.toBytes();
    if (bytes == null) part.getSegments()[0].get(part.getOffset(), text, length, size);
    else System.arraycopy(bytes, 0, text, length, size);
    length += size;
  }

  /** @return placement, ad and campaign of a key. */
  static StringData[] parts(String key) {
    byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
    int placement = LENGTH_BYTES;
    int placementEnd = placement + lengthAt(bytes, 0);
    int ad = placementEnd + LENGTH_BYTES;
    int adEnd = ad + lengthAt(bytes, placementEnd);
    return new StringData[] {
      StringData.fromBytes(bytes, placement, placementEnd - placement),
      StringData.fromBytes(bytes, ad, adEnd - ad),
      StringData.fromBytes(bytes, adEnd, bytes.length - adEnd),
    };
  }

  private static int lengthAt(byte[] bytes, int at) {
    int size = 0;
    for (int i = 0; i < LENGTH_BYTES; i++) size |= bytes[at + i] << i * LENGTH_BITS;
    return size;
  }
}
