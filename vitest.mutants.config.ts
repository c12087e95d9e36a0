import { defineConfig } from 'vitest/config';

/** What must notice a mutant of the charging rules; `MUTANTS_WITH_DATABASE` adds the operation's own tests. */
export default defineConfig({
  test: {
    include: [
      'domain/auction*.test.ts',
      'domain/charging.test.ts',
      'domain/click-*.test.ts',
      'domain/invalid-*.test.ts',
      'tests/simulation/*.test.ts',
      ...(process.env.MUTANTS_WITH_DATABASE === 'yes'
        ? ['tests/integration/money-{charging,charging-edges,fold}.test.ts']
        : []),
    ],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
