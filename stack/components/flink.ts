import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { VERSIONS } from '../bootstrap/places.mjs';
import type { Part, SlotContext } from '../part.js';
import { isListening } from '../slots.js';
import { classArchive, flinkClassPath, flinkDistribution, sinksJar } from './flink-artefacts.js';
import { flinkSettings, LOG4J_PROPERTIES } from './flink-settings.js';
import { getJson, isOk } from './http-ready.js';

/** `one`: everything in one JVM, for development and tests. `cluster`: the three processes of production. */
export type FlinkMode = 'one' | 'cluster';

const folderOf = (context: SlotContext) => join(context.dataDir, 'flink');
const confOf = (context: SlotContext) => join(folderOf(context), 'conf');

/** The deployer looks here for the newest checkpoint to restore from. */
export const checkpointDirOf = (dataDir: string) => join(dataDir, 'flink', 'checkpoints');

/** Reflection into the JDK that Flink's serializers and RPC need on Java 17. */
const JAVA_OPENS = [
  ...['java.base/sun.net.util', 'java.rmi/sun.rmi.registry', 'jdk.compiler/com.sun.tools.javac.api'].map(
    exportAll,
  ),
  exportAll('java.security.jgss/sun.security.krb5'),
  ...['lang', 'net', 'io', 'nio', 'lang.reflect', 'text', 'time', 'util'].map((name) =>
    openAll(`java.base/java.${name}`),
  ),
  ...['util.concurrent', 'util.concurrent.atomic', 'util.concurrent.locks'].map((name) =>
    openAll(`java.base/java.${name}`),
  ),
  openAll('java.base/sun.nio.ch'),
];

function exportAll(name: string): string {
  return `--add-exports=${name}=ALL-UNNAMED`;
}

function openAll(name: string): string {
  return `--add-opens=${name}=ALL-UNNAMED`;
}

interface FlinkJvm {
  readonly name: string;
  readonly memory: readonly string[];
  readonly main: readonly string[];
  readonly needs: readonly string[];
  readonly port: NonNullable<Part['port']>;
  readonly ready: Part['ready'];
}

const JOB_MANAGER_MEMORY = {
  'jobmanager.memory.heap.size': '384m',
  'jobmanager.memory.off-heap.size': '64m',
  'jobmanager.memory.jvm-metaspace.size': '256m',
  'jobmanager.memory.jvm-overhead.min': '64m',
  'jobmanager.memory.jvm-overhead.max': '64m',
};

const TASK_MANAGER_MEMORY = {
  // With half of it, performance-5m spent half as much again on garbage collection when it caught up with its log.
  'taskmanager.memory.task.heap.size': '1536m',
  // Room for RocksDB beside what operators sort and add up in: a slot has a sixteenth of it.
  'taskmanager.memory.managed.size': '512m',
};

const asArguments = (settings: Readonly<Record<string, string>>) =>
  Object.entries(settings).flatMap(([name, value]) => ['-D', `${name}=${value}`]);

const ONE_JVM: readonly FlinkJvm[] = [
  {
    name: 'flink',
    memory: [
      '-Xms256m',
      '-Xmx1280m',
      '-XX:MaxDirectMemorySize=256m',
      '-XX:MaxMetaspaceSize=512m',
      '-XX:+UseSerialGC',
      // The planner runs once, cold: with the quick compiler alone the first statement is planned in half the time.
      // The operators then take about twice the processor time; a cluster keeps both compilers.
      '-XX:TieredStopAtLevel=1',
      // Without the other compiler the JVM sets 48 MB aside for code. Full after a few statements, it throws away and
      // compiles again without end, which took more processor time than the statements did.
      '-XX:ReservedCodeCacheSize=192m',
    ],
    main: ['OneJvm'],
    needs: [],
    port: 'flinkRest',
    ready: async (context) => (await hasTaskManager(context)) && (await gatewayAnswers(context)),
  },
];

const CLUSTER: readonly FlinkJvm[] = [
  {
    name: 'flink-jobmanager',
    memory: ['-Xms128m', '-Xmx384m', '-XX:MaxMetaspaceSize=256m', '-XX:+UseSerialGC'],
    main: [
      'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
      ...asArguments(JOB_MANAGER_MEMORY),
    ],
    needs: [],
    port: 'flinkRest',
    ready: (context) => isOk(`http://127.0.0.1:${context.ports.flinkRest}/overview`),
  },
  {
    name: 'flink-taskmanager',
    memory: [
      '-Xms256m',
      // The heap of operators and 64 MB for the framework.
      '-Xmx1600m',
      '-XX:MaxDirectMemorySize=256m',
      '-XX:MaxMetaspaceSize=256m',
      '-XX:+UseG1GC',
    ],
    main: [
      'org.apache.flink.runtime.taskexecutor.TaskManagerRunner',
      ...asArguments({ 'taskmanager.resource-id': 'taskmanager-1', ...TASK_MANAGER_MEMORY }),
    ],
    needs: [],
    port: 'flinkTaskManager',
    // The JobManager lists an ended TaskManager for a moment: its own port tells the new one from the old one.
    ready: async (context) =>
      (await isListening(context.ports.flinkTaskManager)) && (await hasTaskManager(context)),
  },
  {
    name: 'flink-gateway',
    memory: ['-Xms128m', '-Xmx512m', '-XX:MaxMetaspaceSize=384m', '-XX:+UseSerialGC'],
    main: ['org.apache.flink.table.gateway.SqlGateway'],
    needs: [],
    port: 'flinkGateway',
    ready: gatewayAnswers,
  },
];

export function flinkParts(mode: FlinkMode): Part[] {
  return (mode === 'one' ? ONE_JVM : CLUSTER).map((jvm) => ({
    name: jvm.name,
    version: VERSIONS.flink,
    kind: 'service',
    artefacts: [flinkDistribution, sinksJar],
    needs: jvm.needs,
    port: jvm.port,
    prepare: async (context) => {
      writeConfiguration(context);
      adoptClassArchive(context);
    },
    command: (context) => javaCommand(jvm, context),
    ready: jvm.ready,
    readyDeadlineMs: 90_000,
    stop: { signal: 'SIGTERM', timeoutMs: 15_000 },
  }));
}

function javaCommand(jvm: FlinkJvm, context: SlotContext): ReturnType<Part['command']> {
  const conf = confOf(context);
  const [mainClass = '', ...mainArgs] = jvm.main;
  // The launcher and the gateway read FLINK_CONF_DIR; the two entry points of a cluster want it as an argument.
  const configDir = mainClass.startsWith('org.apache.flink.runtime.') ? ['--configDir', conf] : [];
  return {
    // On one machine the shop's requests and the charging of clicks come first; a ranking may be a moment late.
    file: 'nice',
    args: [
      ...['-n', '10', 'java'],
      ...jvm.memory,
      ...(jvm.name === 'flink' ? classArchiveArgs(context) : []),
      ...JAVA_OPENS,
      `-Dlog4j.configurationFile=${join(conf, 'log4j.properties')}`,
      ...['-cp', flinkClassPath(), mainClass],
      ...configDir,
      ...mainArgs,
    ],
    cwd: folderOf(context),
    env: { FLINK_CONF_DIR: conf, FLINK_PLUGINS_DIR: join(folderOf(context), 'plugins') },
  };
}

const archiveDraft = (context: SlotContext) => join(folderOf(context), 'classes.jsa');

/** `npm start` writes the archive when it ends for the first time; from then on every slot starts with it. */
function classArchiveArgs(context: SlotContext): string[] {
  const quiet = ['-Xshare:auto', '-Xlog:cds=off', '-Xlog:cds+dynamic=off'];
  if (existsSync(classArchive())) return [`-XX:SharedArchiveFile=${classArchive()}`, ...quiet];
  return context.slot === 0 ? [`-XX:ArchiveClassesAtExit=${archiveDraft(context)}`, ...quiet] : [];
}

/** A JVM that ended early writes one with next to nothing in it; with the planner it is about 100 MB. */
const SMALLEST_ARCHIVE_BYTES = 20_000_000;

/** Into the cache by a rename, so that a JVM never sees half of it. A stale or broken one is ignored by the JVM. */
function adoptClassArchive(context: SlotContext): void {
  const draft = archiveDraft(context);
  if (!existsSync(draft)) return;
  if (!existsSync(classArchive()) && statSync(draft).size > SMALLEST_ARCHIVE_BYTES) {
    copyFileSync(draft, `${classArchive()}.draft`);
    renameSync(`${classArchive()}.draft`, classArchive());
  }
  rmSync(draft);
}

function writeConfiguration(context: SlotContext): void {
  for (const name of ['conf', 'checkpoints', 'savepoints', 'tmp', 'web', 'plugins']) {
    mkdirSync(join(folderOf(context), name), { recursive: true });
  }
  const settings = flinkSettings(context.ports, {
    checkpoints: pathToFileURL(checkpointDirOf(context.dataDir)).href,
    savepoints: pathToFileURL(join(folderOf(context), 'savepoints')).href,
    tmp: join(folderOf(context), 'tmp'),
    web: join(folderOf(context), 'web'),
  });
  const yaml = Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  writeFileSync(join(confOf(context), 'config.yaml'), `${yaml.join('\n')}\n`);
  writeFileSync(join(confOf(context), 'log4j.properties'), LOG4J_PROPERTIES);
}

const overviewSchema = z.object({ taskmanagers: z.number() });

async function hasTaskManager(context: SlotContext): Promise<boolean> {
  const overview = await getJson(`http://127.0.0.1:${context.ports.flinkRest}/overview`);
  return overviewSchema.parse(overview).taskmanagers >= 1;
}

function gatewayAnswers(context: SlotContext): Promise<boolean> {
  return isOk(`http://127.0.0.1:${context.ports.flinkGateway}/v1/info`);
}
