import type { Ports } from '../slots.js';

/** Flink's configuration, as flat keys. Every memory size is set, since no shell script computes them here. */

export const TASK_SLOTS = 16;

interface FlinkFolders {
  readonly checkpoints: string;
  readonly savepoints: string;
  readonly tmp: string;
  readonly web: string;
}

const MEMORY = {
  'taskmanager.cpu.cores': '2.0',
  'taskmanager.memory.task.heap.size': '768m',
  'taskmanager.memory.task.off-heap.size': '0m',
  'taskmanager.memory.framework.heap.size': '64m',
  'taskmanager.memory.framework.off-heap.size': '64m',
  'taskmanager.memory.managed.size': '128m',
  'taskmanager.memory.network.min': '128m',
  'taskmanager.memory.network.max': '128m',
  'taskmanager.memory.segment-size': '16kb',
  'taskmanager.memory.jvm-metaspace.size': '256m',
  'taskmanager.memory.jvm-overhead.min': '128m',
  'taskmanager.memory.jvm-overhead.max': '128m',
} as const;

/** Checkpoints survive a cancelled job: the deployer restores statements from them. */
const STATE = {
  'state.backend.type': 'hashmap',
  'execution.checkpointing.storage': 'filesystem',
  'execution.checkpointing.interval': '5s',
  'execution.checkpointing.min-pause': '1s',
  'execution.checkpointing.timeout': '2min',
  'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  'execution.checkpointing.num-retained': '3',
  'execution.checkpointing.unaligned.enabled': 'false',
  'execution.buffer-timeout.interval': '5ms',
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '2147483647',
  'restart-strategy.fixed-delay.delay': '1s',
} as const;

/**
 * Short beats: an ended TaskManager refuses two of them and is noticed in seconds. The long timeout is for one that
 * is only slow: with 6 s, a busy machine lost healthy TaskManagers.
 */
const CLUSTER = {
  'jobmanager.execution.failover-strategy': 'region',
  'heartbeat.interval': '1s',
  'heartbeat.timeout': '60s',
  'cluster.registration.error-delay': '300 ms',
  'cluster.registration.initial-timeout': '100 ms',
  'cluster.registration.max-timeout': '1 s',
  // A TaskManager that has found a JobManager keeps calling that one, also when another process has taken its place
  // before it answered. Ended, it is started again and looks anew; Flink's own limit is five minutes.
  'taskmanager.registration.timeout': '30 s',
  'cluster.evenly-spread-out-slots': 'false',
  'web.refresh-interval': '200 ms',
  // Only when somebody asks: what a sink refuses and what came late is then two seconds old, not ten.
  'metrics.fetcher.update-interval': '2 s',
  'web.submit.enable': 'false',
  'web.cancel.enable': 'false',
  'sql-gateway.session.idle-timeout': '30 min',
  'parallelism.default': '1',
  'table.local-time-zone': 'Asia/Seoul',
} as const;

export function flinkSettings(ports: Ports, folders: FlinkFolders): Record<string, string> {
  return {
    'jobmanager.bind-host': '127.0.0.1',
    'jobmanager.rpc.address': '127.0.0.1',
    'jobmanager.rpc.port': String(ports.flinkRpc),
    'taskmanager.bind-host': '127.0.0.1',
    'taskmanager.host': '127.0.0.1',
    'taskmanager.rpc.port': String(ports.flinkTaskManager),
    'taskmanager.numberOfTaskSlots': String(TASK_SLOTS),
    'rest.address': '127.0.0.1',
    'rest.bind-address': '127.0.0.1',
    'rest.port': String(ports.flinkRest),
    'sql-gateway.endpoint.rest.address': '127.0.0.1',
    'sql-gateway.endpoint.rest.bind-address': '127.0.0.1',
    'sql-gateway.endpoint.rest.port': String(ports.flinkGateway),
    'execution.checkpointing.dir': folders.checkpoints,
    'execution.checkpointing.savepoint-dir': folders.savepoints,
    'io.tmp.dirs': folders.tmp,
    'web.upload.dir': folders.web,
    ...MEMORY,
    ...STATE,
    ...CLUSTER,
  };
}

export const LOG4J_PROPERTIES = `rootLogger.level = WARN
rootLogger.appenderRef.c.ref = C
logger.flink.name = org.apache.flink
logger.flink.level = INFO
logger.kafka.name = org.apache.kafka
logger.kafka.level = ERROR
appender.c.name = C
appender.c.type = CONSOLE
appender.c.layout.type = PatternLayout
appender.c.layout.pattern = %d{ISO8601} %-5p %c %x - %m%n
`;
