import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.plugin.PluginUtils;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.runtime.minicluster.RpcServiceSharing;
import org.apache.flink.table.gateway.SqlGateway;

/**
 * JobManager, TaskManager and SQL gateway in one JVM: half the memory and half the start time of three. It is the
 * same Flink code on the same ports; production runs the three processes apart.
 */
public final class OneJvm {
  private static final Duration WATCH_EVERY = Duration.ofSeconds(1);
  private static final int BAD_ROUNDS_UNTIL_EXIT = 5;

  private OneJvm() {}

  public static void main(String[] args) throws Exception {
    Configuration configuration = GlobalConfiguration.loadConfiguration(System.getenv("FLINK_CONF_DIR"));
    FileSystem.initialize(configuration, PluginUtils.createPluginManagerFromRootFolder(configuration));
    MiniClusterConfiguration clusterConfiguration =
        new MiniClusterConfiguration.Builder()
            .setConfiguration(configuration)
            .setNumTaskManagers(1)
            .setNumSlotsPerTaskManager(configuration.get(TaskManagerOptions.NUM_TASK_SLOTS))
            .setRpcServiceSharing(RpcServiceSharing.SHARED)
            .build();
    MiniCluster cluster = new MiniCluster(clusterConfiguration);
    cluster.start();
    URI rest = cluster.getRestAddress().get();
    Thread watch = new Thread(() -> watch(rest), "task-manager-watch");
    watch.setDaemon(true);
    watch.start();
    // Returns when the gateway stops, so nothing may stand behind it.
    SqlGateway.main(new String[0]);
  }

  /**
   * A process of a cluster ends when a part of it fails fatally, and its supervisor starts it again. Inside this JVM
   * only the TaskManager or the JobManager would end, for ever: so the whole process ends, once no TaskManager is
   * registered any more or nobody answers.
   */
  private static void watch(URI rest) {
    HttpClient client = HttpClient.newHttpClient();
    HttpRequest request =
        HttpRequest.newBuilder(rest.resolve("/overview")).timeout(Duration.ofSeconds(10)).build();
    int badRounds = 0;
    boolean everRegistered = false;
    while (badRounds < BAD_ROUNDS_UNTIL_EXIT) {
      boolean registered;
      try {
        Thread.sleep(WATCH_EVERY.toMillis());
        registered = hasTaskManager(client, request);
      } catch (InterruptedException ended) {
        return;
      }
      everRegistered = everRegistered || registered;
      badRounds = registered || !everRegistered ? 0 : badRounds + 1;
    }
    System.err.println("no TaskManager is registered any more: this process ends, to be started again");
    Runtime.getRuntime().halt(70);
  }

  private static boolean hasTaskManager(HttpClient client, HttpRequest request) throws InterruptedException {
    try {
      HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
      return answer.statusCode() == 200 && !answer.body().contains("\"taskmanagers\":0,");
    } catch (IOException | RuntimeException error) {
      System.err.println("the JobManager does not answer: " + error);
      return false;
    }
  }
}
