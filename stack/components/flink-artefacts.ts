import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import { getOnce } from '../bootstrap/get-once.mjs';
import { cacheRoot, REPO_ROOT, VERSIONS } from '../bootstrap/places.mjs';
import { copyJars, runMaven } from '../maven.js';
import type { Artefact } from '../part.js';

/** What a Flink JVM has on its class path: the distribution with connectors, our launcher, our sinks. */

const POM = join(REPO_ROOT, 'stack', 'maven', 'flink.xml');
const LAUNCHER = join(REPO_ROOT, 'stack', 'java', 'OneJvm.java');
const SINK_SOURCES = join(REPO_ROOT, 'flink', 'sinks');
const SINK_JAR = 'flink-sinks.jar';
const LAUNCHER_JAR = 'one-jvm.jar';
/** Rises when `get` below lays the folder out differently. */
const LAYOUT = 2;

/** The name carries the content of what went in: a changed source is a new artefact, an old one stays usable. */
const home = () => join(cacheRoot(), `flink-${VERSIONS.flink}-${hashOf([POM, LAUNCHER])}-${LAYOUT}`);
const sinkHome = () => join(cacheRoot(), `flink-sinks-${hashOf(filesBelow(SINK_SOURCES))}`);

/** Jars only: classes in a folder cannot be kept in a class archive. */
export const flinkClassPath = () =>
  [join(home(), 'lib', '*'), join(home(), LAUNCHER_JAR), join(sinkHome(), SINK_JAR)].join(':');

/**
 * Loaded and verified classes of exactly this class path, as the JVM wrote them at the end of an earlier run. With
 * it the planner, some fifteen thousand classes, is there in a fraction of the time.
 */
export const classArchive = () => join(sinkHome(), `classes-${hashOf([POM, LAUNCHER])}.jsa`);

export const flinkDistribution: Artefact = {
  name: 'flink',
  version: VERSIONS.flink,
  source: 'Maven org.apache.flink',
  get: () =>
    getOnce(home(), async (staging) => {
      await copyJars('flink', join(staging, 'lib'));
      const classes = join(staging, 'classes');
      mkdirSync(classes);
      await execa('javac', ['-cp', join(staging, 'lib', '*'), '-d', classes, LAUNCHER]);
      await execa('jar', ['--create', '--file', join(staging, LAUNCHER_JAR), '-C', classes, '.']);
      rmSync(classes, { recursive: true });
    }),
};

export const sinksJar: Artefact = {
  name: 'flink-sinks',
  version: '1',
  source: 'built from flink/sinks',
  get: () => getOnce(sinkHome(), buildSinks),
};

/** In a copy of the sources, so that the work tree stays clean and two builds cannot meet. */
async function buildSinks(staging: string): Promise<void> {
  const work = join(staging, 'work');
  cpSync(SINK_SOURCES, work, { recursive: true, filter: (path) => isSource(relative(SINK_SOURCES, path)) });
  await runMaven(['-f', join(work, 'pom.xml'), 'package']);
  renameSync(join(work, 'target', SINK_JAR), join(staging, SINK_JAR));
  rmSync(work, { recursive: true });
}

/** What the jar is made of: not its tests, so that a changed test is no other artefact, and no earlier output. */
const isSource = (path: string) => !/^(target|src\/test)(\/|$)/.test(path);

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) throw new Error(`${relative(REPO_ROOT, folder)} is missing`);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => isSource(relative(folder, path)))
    .sort();
}

function hashOf(files: readonly string[]): string {
  const versions = Object.entries(VERSIONS).filter(([name]) => /^(flink|mavenDependency)/.test(name));
  const hash = createHash('sha256').update(JSON.stringify(versions));
  for (const file of files)
    hash.update(relative(REPO_ROOT, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 10);
}
