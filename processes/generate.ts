import { writeFileSync } from 'node:fs';
import { renderConfigDocs, renderEnvExample } from '../infra/config-docs.js';
import { OPENAPI_FILE, renderOpenApi } from './openapi.js';

/** Writes every document that comes from the code. Run after changing settings or routes. */
export async function generate(): Promise<number> {
  writeFileSync('docs/config.md', renderConfigDocs());
  writeFileSync('.env.example', renderEnvExample());
  writeFileSync(OPENAPI_FILE, await renderOpenApi());
  return 0;
}
