import { defineConfig } from 'vitest/config';

const ignored = ['**/node_modules/**', 'dist/**', '.stack/**'];

/** `unit`: beside the code, no stack. `integration`: everything real, on a slot of its own. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...ignored, 'tests/integration/**', 'tests/e2e/**'],
          testTimeout: 10_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.ts', 'tests/e2e/**/*.test.ts'],
          exclude: ignored,
          globalSetup: ['tests/support/stack-setup.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
