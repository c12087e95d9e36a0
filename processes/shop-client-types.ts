import openapiTypes, { astToString } from 'openapi-typescript';

export const SHOP_CLIENT_TYPES_FILE = 'outside/commerce/shop-client/generated/ad-server-api.ts';

interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly tags?: readonly string[] }>>>>;
}

/** The ad server's part of the OpenAPI document as types: all that a shop's client knows of the ad system. */
export async function renderShopClientTypes(openApi: string): Promise<string> {
  const document = JSON.parse(openApi) as ApiDocument;
  const isForShops = (path: string) =>
    Object.values(document.paths[path] ?? {}).some(({ tags }) => tags?.includes('ad server') === true);
  const paths = Object.fromEntries(Object.entries(document.paths).filter(([path]) => isForShops(path)));
  return astToString(await openapiTypes(JSON.stringify({ ...document, paths })));
}
