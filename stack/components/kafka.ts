import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { Kafka, logLevel } from 'kafkajs';
import { getOnce } from '../bootstrap/get-once.mjs';
import { cacheRoot, VERSIONS } from '../bootstrap/places.mjs';
import { copyJars } from '../maven.js';
import type { Part, SlotContext } from '../part.js';

/** One broker in KRaft mode from the jars on Maven Central. */

const CLUSTER_ID = 'Y3BjLWFkcy1uYXRpdmUtMQ';
const READY_TIMEOUT_MS = 2_000;
const home = () => join(cacheRoot(), `kafka-${VERSIONS.kafka}`);
const folderOf = (context: SlotContext) => join(context.dataDir, 'kafka');
const logDirOf = (context: SlotContext) => join(folderOf(context), 'data');
const propertiesOf = (context: SlotContext) => join(folderOf(context), 'server.properties');
const log4jOf = (context: SlotContext) => join(folderOf(context), 'log4j2.yaml');

export const kafka: Part = {
  name: 'kafka',
  version: VERSIONS.kafka,
  kind: 'service',
  artefacts: [
    {
      name: 'kafka',
      version: VERSIONS.kafka,
      source: 'Maven org.apache.kafka:kafka_2.13',
      get: () => getOnce(home(), (staging) => copyJars('kafka', staging)),
    },
  ],
  needs: [],
  port: 'kafka',
  prepare,
  command: (context) => ({
    file: 'java',
    args: ['-Xms256m', '-Xmx512m', ...javaFlags(context), 'kafka.Kafka', propertiesOf(context)],
    cwd: folderOf(context),
  }),
  ready,
  readyDeadlineMs: 90_000,
  stop: { signal: 'SIGTERM', timeoutMs: 20_000 },
};

function javaFlags(context: SlotContext): string[] {
  return [
    '-XX:+UseSerialGC',
    '-Xshare:auto',
    `-Dlog4j2.configurationFile=${log4jOf(context)}`,
    '-cp',
    join(home(), '*'),
  ];
}

async function prepare(context: SlotContext): Promise<void> {
  mkdirSync(logDirOf(context), { recursive: true });
  writeFileSync(propertiesOf(context), serverProperties(context));
  writeFileSync(log4jOf(context), LOG4J);
  if (existsSync(join(logDirOf(context), 'meta.properties'))) return;
  const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', CLUSTER_ID, '--ignore-formatted'];
  const flags = ['-Xmx128m', '-XX:TieredStopAtLevel=1', ...javaFlags(context)];
  const result = await execa('java', [...flags, ...format, '--config', propertiesOf(context)], {
    all: true,
    reject: false,
  });
  if (result.failed) throw new Error(`formatting the Kafka log folder failed:\n${result.all}`);
}

/** Replication factors of one: a single broker. Segments and threads are sized for a developer's machine. */
function serverProperties(context: SlotContext): string {
  const { kafka: port, kafkaController } = context.ports;
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${kafkaController}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${kafkaController}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': logDirOf(context),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': '1',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    // A killed broker may come back only when its old session has ended: the default of 9 s is most of that wait.
    'broker.session.timeout.ms': '4000',
    'broker.heartbeat.interval.ms': '500',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'log.segment.bytes': '134217728',
    'log.cleaner.dedupe.buffer.size': '16777216',
    'num.network.threads': '2',
    'num.io.threads': '4',
  };
  return `${Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
}

const LOG4J = `Configuration:
  Appenders:
    Console:
      name: STDOUT
      PatternLayout: {pattern: "%d{ISO8601} %p %m (%c)%n"}
  Loggers:
    Root:
      level: WARN
      AppenderRef: [{ref: STDOUT}]
    Logger:
      - {name: kafka.server.KafkaRaftServer, level: INFO}
      - {name: kafka.server.BrokerServer, level: INFO}
`;

/** An open port is not enough: the broker must answer for the cluster. */
async function ready(context: SlotContext): Promise<boolean> {
  const client = new Kafka({
    clientId: 'stack',
    brokers: [`127.0.0.1:${context.ports.kafka}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: READY_TIMEOUT_MS,
    requestTimeout: READY_TIMEOUT_MS,
    retry: { retries: 0 },
  });
  const admin = client.admin();
  try {
    await admin.connect();
    const { brokers, controller } = await admin.describeCluster();
    return brokers.length === 1 && controller !== null;
  } finally {
    await admin.disconnect();
  }
}
