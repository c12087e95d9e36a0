import { defineConfig } from 'vitest/config';

const ignored = ['**/node_modules/**', 'dist/**', '.stack/**'];
const FLINK = 'tests/integration/flink-*.test.ts';
const JAVA = 'tests/integration/java-*.test.ts';
/** They start and signal processes of the system, and take seconds for it. */
const PROCESSES = ['stack/supervised-part.test.ts', 'tests/support/hang-part.test.ts'];

/** Every project with real components starts its own on a slot of its own. */
const REAL = {
  exclude: ignored,
  pool: 'forks',
  fileParallelism: false,
  // Waiting ends by the deadline of a poll, which says for what: this one is for what does not poll.
  testTimeout: 120_000,
  setupFiles: ['tests/support/not-over-midnight.ts'],
  hookTimeout: 120_000,
} as const;

/**
 * `unit`: beside the code, no stack. `integration`: everything real. `flink`: the same for the statements, apart so
 * that both can run at once. `java`: the sinks by themselves. `e2e`: the built product as a person starts it.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...ignored, 'tests/integration/**', 'tests/e2e/**', ...PROCESSES],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          ...REAL,
          name: 'integration',
          include: ['tests/integration/**/*.test.ts', ...PROCESSES],
          exclude: [...ignored, FLINK, JAVA],
          globalSetup: ['tests/support/stack-setup.ts'],
        },
      },
      {
        test: {
          ...REAL,
          name: 'flink',
          include: [FLINK],
          globalSetup: ['tests/support/stack-setup.ts'],
          // Their jobs, topics, databases and Redis databases are their own, and they wait more than they work.
          fileParallelism: true,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...REAL, name: 'java', include: [JAVA] } },
      { test: { ...REAL, name: 'e2e', include: ['tests/e2e/**/*.test.ts'] } },
    ],
  },
});
