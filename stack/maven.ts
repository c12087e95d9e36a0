import { join } from 'node:path';
import { execa } from 'execa';
import { lock } from './bootstrap/lock.mjs';
import { cacheRoot, REPO_ROOT, VERSIONS } from './bootstrap/places.mjs';

/**
 * Copies all jars of `stack/maven/<pom>.xml` into `folder`. One Maven at a time on this machine: two of them
 * writing the same local repository can break it, and the settings of the user (`MAVEN_OPTS`, `settings.xml`) hold.
 */
export async function copyJars(pom: string, folder: string): Promise<void> {
  const plugin = `org.apache.maven.plugins:maven-dependency-plugin:${VERSIONS.mavenDependencyPlugin}`;
  const properties = Object.entries(VERSIONS).map(([name, version]) => `-D${name}=${version}`);
  const file = join(REPO_ROOT, 'stack', 'maven', `${pom}.xml`);
  await runMaven(['-f', file, `${plugin}:copy-dependencies`, `-DoutputDirectory=${folder}`, ...properties]);
}

/** @throws with Maven's own words when it fails. */
export async function runMaven(args: readonly string[]): Promise<void> {
  const release = await lock(join(cacheRoot(), 'maven.lock'));
  try {
    const result = await execa('mvn', ['-q', '-B', ...args], { all: true, reject: false });
    if (result.failed) throw new Error(`mvn ${args.join(' ')} failed:\n${result.all.slice(-4_000)}`);
  } finally {
    release();
  }
}
