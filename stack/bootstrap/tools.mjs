import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { temporalCliPath } from './temporal-cli.mjs';

/** What must be installed before anything else; all that is missing is reported in one message. */

const NODE = [20, 19];
const JDK = [17];
const GO = [1, 25];

/** @returns the text of the one message, or undefined when nothing is missing. */
export function missingTools() {
  const problems = [...nodeProblems(), ...javaProblems(), ...goProblems()];
  if (problems.length === 0) return undefined;
  return [
    'Some tools are missing:',
    ...problems.map((problem) => `  - ${problem}`),
    '',
    'On Debian or Ubuntu:  apt-get install openjdk-17-jdk-headless maven   (Go: https://go.dev/dl, Node: https://nodejs.org)',
    'On macOS:             brew install node@20 openjdk@17 maven go',
  ].join('\n');
}

function nodeProblems() {
  const version = process.versions.node;
  return atLeast(version, NODE) ? [] : [`Node.js >= ${NODE.join('.')} (this is ${version})`];
}

function javaProblems() {
  const problems = jdkProblems();
  if (versionOf('mvn', ['-v'], /Maven (\d+(?:\.\d+)*)/) === undefined) {
    problems.push('Maven: "mvn" is not on the PATH (gets Kafka, Flink and the Temporal test server)');
  }
  return problems;
}

/** Kafka and Flink run on it; a small launcher is compiled, and jars are unpacked: a JRE is not enough. */
function jdkProblems() {
  const wanted = `a JDK >= ${JDK.join('.')} (Kafka and Flink; a JRE is not enough)`;
  const found = {
    java: versionOf('java', ['-version'], /version "(\d+(?:\.\d+)*)/),
    javac: versionOf('javac', ['-version'], /javac (\d+(?:\.\d+)*)/),
    jar: versionOf('jar', ['--version'], /jar (\d+(?:\.\d+)*)/),
  };
  const names = Object.keys(found);
  const absent = names.filter((name) => found[name] === undefined);
  if (absent.length > 0) return [`${wanted}: not on the PATH: ${absent.join(', ')}`];
  const old = names.filter((name) => !atLeast(found[name], JDK));
  return old.length === 0 ? [] : [`${wanted}: ${old.map((name) => `${name} is ${found[name]}`).join(', ')}`];
}

/** Go compiles the Temporal server once; with the binary in the cache it is not needed. */
function goProblems() {
  if (existsSync(temporalCliPath())) return [];
  const go = versionOf('go', ['version'], /go(\d+\.\d+(?:\.\d+)?)/);
  if (go === undefined)
    return [`Go >= ${GO.join('.')}: "go" is not on the PATH (compiles the Temporal server once)`];
  return atLeast(go, GO) ? [] : [`Go >= ${GO.join('.')} (this is ${go})`];
}

function versionOf(command, args, pattern) {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.error !== undefined || result.status !== 0) return undefined;
  return pattern.exec(`${result.stdout}${result.stderr}`)?.[1];
}

function atLeast(version, minimum) {
  const parts = version.split('.').map(Number);
  for (const [index, least] of minimum.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
