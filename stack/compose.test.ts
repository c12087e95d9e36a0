import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { SEARCH_ATTRIBUTES } from '../contracts/temporal/campaign-lifecycle.js';
import { configSchema } from '../infra/config.js';
import { REPO_ROOT, VERSIONS } from './bootstrap/places.mjs';
import { flinkSettings } from './components/flink-settings.js';
import { allParts } from './components.js';
import { PORT_OFFSETS, portsOf } from './slots.js';

/** docker-compose.yml cannot be run everywhere; that it describes the same stack can be checked everywhere. */

const serviceSchema = z.object({
  image: z.string(),
  build: z.object({ target: z.string() }).optional(),
  command: z.union([z.string(), z.array(z.string())]).optional(),
  restart: z.string(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()).min(2), retries: z.number() }).optional(),
});
const composeSchema = z.object({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.null()),
});

const text = (path: string) => readFileSync(join(REPO_ROOT, path), 'utf8');
const compose = composeSchema.parse(parse(text('docker-compose.yml'), { merge: true }));

function service(name: string) {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

const ONE_SHOTS = ['migrate', 'seed', 'temporal-search-attributes'];

test('every part of the native stack is a service', () => {
  const parts = allParts({ flink: 'cluster', seed: true }).map((part) => part.name);
  expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(parts));
});

test.each([
  ['postgres', `postgres:${VERSIONS.postgres}`],
  ['redis', `redis:${VERSIONS.redis}`],
  ['kafka', `apache/kafka:${VERSIONS.kafka}`],
  ['temporal', `temporalio/auto-setup:${VERSIONS.temporalServer}`],
  ['temporal-search-attributes', `temporalio/auto-setup:${VERSIONS.temporalServer}`],
  ['temporal-ui', `temporalio/ui:${VERSIONS.temporalUi}`],
  ['flink-jobmanager', `cpc-ads-flink:${VERSIONS.flink}`],
  ['flink-taskmanager', `cpc-ads-flink:${VERSIONS.flink}`],
  ['flink-gateway', `cpc-ads-flink:${VERSIONS.flink}`],
])('%s has the version of the component table', (name, image) => {
  expect(service(name).image).toBe(image);
});

test('the images that we build start from the same versions', () => {
  const bases = [...text('Dockerfile').matchAll(/^FROM (\S+)/gm)].map((match) => match[1]);
  expect(bases).toContain(`flink:${VERSIONS.flink}`);
  expect(bases.filter((base) => base?.startsWith('node:'))).toEqual(
    Array.from({ length: 3 }, () => `node:${VERSIONS.node}-bookworm-slim`),
  );
  const stages = [...text('Dockerfile').matchAll(/^FROM \S+ AS (\S+)/gm)].map((match) => match[1]);
  const targets = Object.values(compose.services).flatMap((one) => one.build?.target ?? []);
  expect(stages).toEqual(expect.arrayContaining([...new Set(targets)]));
});

test('the image of Flink holds our sinks and the Kafka connector of the native stack', () => {
  for (const name of ['flink-jobmanager', 'flink-taskmanager', 'flink-gateway'])
    expect(service(name).image, name).toBe(service('flink-jobmanager').image);
  expect(service('flink-jobmanager').build?.target).toBe('flink');
  const [jars = '', image = ''] = ['jars', 'flink'].map(
    (stage) =>
      new RegExp(`^FROM \\S+ AS ${stage}$[\\s\\S]*?(?=^FROM |(?![\\s\\S]))`, 'm').exec(
        text('Dockerfile'),
      )?.[0],
  );
  expect(jars).toContain('COPY flink/sinks/pom.xml sinks/');
  expect(jars).toContain('COPY flink/sinks/src/main sinks/src/main');
  expect(jars).toMatch(/sinks\/pom\.xml .*package && cp sinks\/target\/flink-sinks\.jar \/jars\//);
  expect(jars).toContain('flink-sql-connector-kafka');
  expect(image).toContain('COPY --from=jars /jars/ /opt/flink/lib/');
  const pom = text('flink/sinks/pom.xml');
  expect(pom).toContain(`<flink.version>${VERSIONS.flink}</flink.version>`);
  expect(pom).toContain('<finalName>flink-sinks</finalName>');
});

test('every service that stays up has a health check and starts again', () => {
  for (const [name, one] of Object.entries(compose.services)) {
    if (ONE_SHOTS.includes(name)) expect(one.restart, name).toBe('no');
    else {
      expect(one.healthcheck, name).toBeDefined();
      expect(one.restart, name).toBe('unless-stopped');
    }
  }
});

test('waiting is always for health or for the end of a one-shot step', () => {
  for (const [name, one] of Object.entries(compose.services)) {
    for (const [need, { condition }] of Object.entries(one.depends_on)) {
      const expected = ONE_SHOTS.includes(need) ? 'service_completed_successfully' : 'service_healthy';
      expect(condition, `${name} -> ${need}`).toBe(expected);
      service(need);
    }
  }
});

test('what must survive lies on a named volume', () => {
  const named = (name: string) =>
    service(name)
      .volumes.map((volume) => volume.split(':')[0] ?? '')
      .filter((source) => source in compose.volumes);
  expect(named('postgres')).toEqual(['postgres-data']);
  expect(named('redis')).toEqual(['redis-data']);
  expect(named('kafka')).toEqual(['kafka-data']);
  for (const name of ['flink-jobmanager', 'flink-taskmanager', 'flink-gateway', 'background'])
    expect(named(name), name).toEqual(['flink-data']);
});

test('ports are those of slot 0, on this machine only', () => {
  const published = Object.values(compose.services).flatMap((one) => one.ports);
  const known = Object.values(portsOf(0));
  for (const port of published) {
    const [address, host] = port.split(':');
    expect(address, port).toBe('127.0.0.1');
    expect(known, port).toContain(Number(host));
  }
  // Inside the one-JVM and broker internals stay unpublished; everything that a person opens is there.
  for (const name of [
    'adServer',
    'consoleApi',
    'postgres',
    'redis',
    'kafka',
    'flinkRest',
    'temporalGrpc',
    'temporalUi',
  ] as const) {
    expect(
      published.some((port) => port.startsWith(`127.0.0.1:${18_000 + PORT_OFFSETS[name]}:`)),
      name,
    ).toBe(true);
  }
});

test('the processes get settings that exist', () => {
  for (const name of ['migrate', 'seed', 'ad-server', 'balance-worker', 'back-office', 'background']) {
    const names = Object.keys(service(name).environment ?? {});
    expect(Object.keys(configSchema.shape), name).toEqual(expect.arrayContaining(names));
  }
});

test('the processes run the same groups as the native stack', () => {
  for (const part of allParts({ flink: 'cluster', seed: true }).filter(
    (one) => one.name in compose.services,
  )) {
    const { command } = service(part.name);
    if (service(part.name).build?.target !== 'app' || typeof command === 'string') continue;
    const native = part.command({ slot: 0, ports: portsOf(0), dataDir: '/data', env: {} }).args;
    expect(native.slice(-(command?.length ?? 0)), part.name).toEqual(command);
  }
});

test('Flink has the settings of the native stack, apart from addresses, folders and memory', () => {
  const properties = z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .parse(parse(String(service('flink-jobmanager').environment?.FLINK_PROPERTIES)));
  const native = flinkSettings(portsOf(0), { checkpoints: '', savepoints: '', tmp: '', web: '' });
  const own = /address|bind-host|\.port$|\.(savepoint-)?dir$|memory\.process/;
  const compared = Object.keys(properties).filter((name) => !own.test(name));
  expect(compared.length).toBeGreaterThan(15);
  for (const name of compared) expect(String(properties[name]), name).toBe(native[name]);
});

test('the same search attributes are registered', () => {
  const command = service('temporal-search-attributes').command;
  expect(String(command)).toContain(`for name in ${Object.values(SEARCH_ATTRIBUTES).join(' ')};`);
});
