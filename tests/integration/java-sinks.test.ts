import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REPO_ROOT } from '../../stack/bootstrap/places.mjs';
import { redisServerPath } from '../../stack/components/redis.js';
import { runMaven } from '../../stack/maven.js';

/** The Java tests of `flink/sinks`, run by Maven in a copy of the sources; each of their classes is one test here. */

const SOURCES = join(REPO_ROOT, 'flink', 'sinks');
const MAVEN_DEADLINE_MS = 240_000;

interface JavaTest {
  readonly name: string;
  readonly className: string;
  /** What surefire said; nothing for a test that passed. */
  readonly trouble: string | undefined;
}

const work = mkdtempSync(join(tmpdir(), 'flink-sinks-'));
let results: readonly JavaTest[] = [];

beforeAll(async () => {
  cpSync(SOURCES, work, { recursive: true, filter: (path) => relative(SOURCES, path) !== 'target' });
  const tests = ['-f', join(work, 'pom.xml'), `-Dredis.server=${redisServerPath()}`, 'test'];
  const failure = await runMaven(tests).then(() => null, asError);
  results = readReports(join(work, 'target', 'surefire-reports'));
  // A test that failed is told by name below. Whatever else stopped Maven is told here.
  if (failure !== null && results.every(({ trouble }) => trouble === undefined)) throw failure;
}, MAVEN_DEADLINE_MS);

afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('the sinks by themselves, against real servers', () => {
  it.each(testClasses())('%s', (className) => {
    const own = results.filter((test) => test.className === className);
    expect(own, 'a class without results did not run').not.toEqual([]);
    expect(
      own.flatMap((test) => (test.trouble === undefined ? [] : `${test.name}: ${test.trouble}`)),
    ).toEqual([]);
  });
});

function testClasses(): string[] {
  const folder = join(SOURCES, 'src', 'test', 'java');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('Test.java'))
    .map((file) => file.replace(/\.java$/, '').replaceAll(sep, '.'))
    .sort();
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));

/**
 * Classes run at once, so a report may hold tests of several: each test says whose it is. None where Maven did not get
 * as far as the tests.
 */
function readReports(folder: string): JavaTest[] {
  if (!existsSync(folder)) return [];
  const tests: JavaTest[] = [];
  for (const file of readdirSync(folder).filter((name) => /^TEST-.*\.xml$/.test(name))) {
    const report = readFileSync(join(folder, file), 'utf8');
    for (const [, attributes = '', body = ''] of report.matchAll(
      /<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
    )) {
      tests.push({
        name: attribute(attributes, 'name'),
        className: attribute(attributes, 'classname'),
        trouble: troubleIn(body),
      });
    }
  }
  return tests;
}

/** A test that was skipped is trouble too. */
function troubleIn(body: string): string | undefined {
  const [, kind, words = ''] =
    /<(failure|error|skipped)\b([\s\S]*?)(?:\/>|<\/(?:failure|error|skipped)>)/.exec(body) ?? [];
  return kind === undefined ? undefined : `${kind} ${words.trim().slice(0, 3_000)}`;
}

function attribute(text: string, name: string): string {
  return new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(text)?.[1] ?? '';
}
