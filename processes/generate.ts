import { writeFileSync } from 'node:fs';
import { renderConfigDocs, renderEnvExample } from '../infra/config-docs.js';
import { OPENAPI_FILE, renderOpenApi } from './openapi.js';
import { renderShopClientTypes, SHOP_CLIENT_TYPES_FILE } from './shop-client-types.js';

/** Writes every document that comes from the code. Run after changing settings or routes. */
export async function generate(): Promise<number> {
  writeFileSync('docs/config.md', renderConfigDocs());
  writeFileSync('.env.example', renderEnvExample());
  const openApi = await renderOpenApi();
  writeFileSync(OPENAPI_FILE, openApi);
  writeFileSync(SHOP_CLIENT_TYPES_FILE, await renderShopClientTypes(openApi));
  return 0;
}
