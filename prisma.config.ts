import { defineConfig } from 'prisma/config';

/** For the Prisma command line. Migrations are applied by `prisma/migrate.ts`, which needs no engine binary. */
export default defineConfig({
  schema: 'prisma/schema',
  migrations: { path: 'prisma/migrations' },
});
