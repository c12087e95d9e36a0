import { createLogger } from '../../infra/log.js';
import {
  type RunningStorefront,
  startStorefront,
} from '../../outside/commerce/storefront/start-storefront.js';
import type { AdServerWorld } from './ad-server-world.js';

export interface ShopPage {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  readonly location: string;
}

/** What a browser does without script: keeps cookies, sends forms, follows nothing by itself. */
export class ShopBrowser {
  private readonly cookies = new Map<string, string>();

  constructor(readonly url: string) {}

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<ShopPage> {
    return this.send(path, { headers });
  }

  submit(
    path: string,
    fields: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ShopPage> {
    return this.send(path, { method: 'POST', body: new URLSearchParams(fields), headers });
  }

  cookie(name: string): string | undefined {
    return this.cookies.get(name);
  }

  private async send(path: string, init: RequestInit): Promise<ShopPage> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(path, this.url), {
      ...init,
      redirect: 'manual',
      headers: {
        'user-agent': 'Mozilla/5.0 (X11; Linux x64) Chrome/142.0 Safari/537.36',
        cookie,
        ...init.headers,
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=', 2);
      this.cookies.set(name, value);
    }
    const location = response.headers.get('location') ?? '';
    return { status: response.status, text: await response.text(), headers: response.headers, location };
  }
}

export const startTestStorefront = (
  world: Pick<AdServerWorld, 'config' | 'apiKey'>,
  adServerUrl: string,
): Promise<RunningStorefront> =>
  startStorefront({
    host: '127.0.0.1',
    port: 0,
    adServerUrl,
    apiKey: world.apiKey,
    consoleUrl: 'http://127.0.0.1:18001',
    log: createLogger({ ...world.config, LOG_LEVEL: 'silent' }, 'storefront-test'),
  });

/** The hrefs of the ads on a page, as a browser reads them. */
export const adLinks = (page: ShopPage): string[] =>
  [...page.text.matchAll(/href="(\/click\?[^"]+)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&'));

export const beaconOf = (page: ShopPage): string =>
  (/src="(\/seen\.gif\?[^"]+)"/.exec(page.text)?.[1] ?? '').replaceAll('&amp;', '&');
