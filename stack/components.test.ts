import { expect, test } from 'vitest';
import { VERSIONS } from './bootstrap/places.mjs';
import { allParts, artefactsOf, withNeeds } from './components.js';
import { PORT_OFFSETS, portsOf } from './slots.js';
import { externalParts, stackEnv } from './stack-env.js';

const table = allParts({ flink: 'one', seed: true });

test('every need is a row further up, so that the order of the table is a start order', () => {
  for (const flink of ['one', 'cluster'] as const) {
    const rows = allParts({ flink, seed: true });
    rows.forEach((part, index) => {
      const above = rows.slice(0, index).map((one) => one.name);
      expect(above, `${flink}: ${part.name}`).toEqual(expect.arrayContaining([...part.needs]));
    });
  }
});

test('ports of all slots differ, and every slot stays inside its hundred', () => {
  const all = Array.from({ length: 10 }, (_, slot) => Object.values(portsOf(slot))).flat();
  expect(new Set(all).size).toBe(all.length);
  expect(Math.max(...Object.values(PORT_OFFSETS))).toBeLessThan(100);
  expect(() => portsOf(10)).toThrow('slot 10');
});

test('asking for a part brings what it needs, and nothing else', () => {
  const names = (wanted: string[]) => withNeeds(table, wanted).map((part) => part.name);
  expect(names(['postgres'])).toEqual(['postgres']);
  expect(names(['ad-server'])).toEqual(['postgres', 'redis', 'kafka', 'migrate', 'ad-server']);
  expect(() => names(['no-such-part'])).toThrow('no-such-part');
});

test('each version is pinned to one exact release', () => {
  for (const artefact of artefactsOf(table, true)) expect(artefact.version, artefact.name).toMatch(/^\d/);
  for (const [name, version] of Object.entries(VERSIONS)) expect(version, name).toMatch(/^\d[\w.-]*$/);
});

test('an own address replaces the native component; Flink needs both of its addresses', () => {
  expect(externalParts({})).toEqual([]);
  expect(externalParts({ REDIS_URL: 'redis://elsewhere', DATABASE_URL_FILE: '/run/secret' })).toEqual([
    'postgres',
    'redis',
  ]);
  expect(externalParts({ FLINK_REST_URL: 'http://elsewhere' })).toEqual([]);
  expect(externalParts({ FLINK_REST_URL: 'http://a', FLINK_SQL_GATEWAY_URL: 'http://b' })).toEqual(['flink']);
});

test('the environment of a slot points at the ports of that slot only', () => {
  const env = stackEnv(3);
  const ports = Object.values(env).flatMap((value) =>
    [...value.matchAll(/\b18\d{3}\b/g)].map((match) => Number(match[0])),
  );
  expect(ports.length).toBeGreaterThan(8);
  for (const port of ports) expect(Object.values(portsOf(3))).toContain(port);
  expect(env.DATABASE_URL).toBe('postgres://ads_app:ads_app_demo@127.0.0.1:18310/ads');
});
