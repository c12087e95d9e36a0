package cpcads.flink.redis;

/** Why Redis does not take something, in one line: no stack, no values, no password; and what to do about it. */
final class Refusal {
  private static final int MAX_CHARS = 300;
  private static final int MAX_CAUSES = 3;

  private Refusal() {}

  static String reason(RedisAddress address, Throwable e) {
    StringBuilder text = new StringBuilder();
    Throwable cause = e;
    for (int depth = 0; cause != null && depth < MAX_CAUSES; depth++, cause = cause.getCause()) {
      String line = cause.getMessage() == null ? cause.getClass().getSimpleName() : firstLine(cause.getMessage());
      if (text.indexOf(line) < 0) text.append(depth == 0 ? "" : ": ").append(line);
    }
    String scrubbed = address.scrub(text.toString());
    return scrubbed.substring(0, Math.min(scrubbed.length(), MAX_CHARS)) + nextStep(scrubbed);
  }

  private static String firstLine(String message) {
    return message.lines().findFirst().orElse("");
  }

  private static String nextStep(String reason) {
    String code = reason.split("[ :]", 2)[0];
    return switch (code) {
      case "NOAUTH", "WRONGPASS" -> "; set user and password of REDIS_URL";
      case "NOPERM" -> "; let this user write these keys, run EVAL and publish";
      case "READONLY" -> "; this is a replica: the address must lead to the primary";
      case "OOM" -> "; raise maxmemory, nothing here may be evicted";
      case "LOADING", "BUSY", "CLUSTERDOWN", "TRYAGAIN", "ASK", "MASTERDOWN" -> "; it ends by itself";
      case "CROSSSLOT" -> "; keys that one script writes need one hash tag, see contracts/redis-keys.ts";
      case "MISCONF" -> "; Redis cannot save to its disk";
      default -> reason.contains("PKIX") || reason.contains("SSL") || reason.contains("subject alternative")
          ? "; tls.ca-file must hold the certificate authority, and the certificate the host of the address"
          : "";
    };
  }
}
