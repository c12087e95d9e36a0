import { proveRecovery } from './flink-recovery/rounds.js';
import type { Proof } from './proof.js';

export const proof: Proof = {
  name: 'flink-recovery',
  proves:
    'TaskManager, JobManager, SQL gateway and Redis, killed with SIGKILL in the middle of traffic, change no row: windows, rankings and conversions equal the batch recomputation',
  params: { kills: 5, loops: 30, events: 500_000, seconds: 24 },
  parts: ['postgres', 'redis', 'kafka', 'flink-jobmanager', 'flink-taskmanager', 'flink-gateway'],
  flink: 'cluster',
  env: { FLINK_PARALLELISM: '2', KAFKA_PARTITIONS: '4', FLINK_MATCH_WATERMARK_SECONDS: '5' },
  run: proveRecovery,
};
