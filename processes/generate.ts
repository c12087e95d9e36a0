import { writeFileSync } from 'node:fs';
import { renderConfigDocs, renderEnvExample } from '../infra/config-docs.js';

/** Writes every document that comes from the code. Run after changing settings or routes. */
export async function generate(): Promise<number> {
  writeFileSync('docs/config.md', renderConfigDocs());
  writeFileSync('.env.example', renderEnvExample());
  return 0;
}
