import java.util.concurrent.CountDownLatch;
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
    SqlGateway.main(new String[0]);
    // The gateway may return from main: the cluster lives until the process is told to end.
    new CountDownLatch(1).await();
  }
}
