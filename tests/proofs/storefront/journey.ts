import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { poll } from '../../support/poll.js';
import type { ProofContext } from '../proof.js';
import { lookAtAccessibility } from './accessibility.js';

/** A person with a browser, who is watched: a picture of each page and a look at its accessibility. */
export interface Journey {
  readonly page: Page;
  readonly shopUrl: string;
  readonly folder: string;
  readonly context: Pick<ProofContext, 'check'>;
}

const ADS_WITHIN_MS = 120_000;
const PHONE = { width: 390, height: 800 };
const DESKTOP = { width: 1_200, height: 900 };

export async function watch({ page, folder, context }: Journey, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [device, size] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    await page.setViewportSize(size);
    await page.screenshot({ path: join(folder, `${name}-${device}.png`), fullPage: true });
    const found = await lookAtAccessibility(page);
    context.check(
      `${name} on a ${device} is accessible at a quick look`,
      found.length === 0,
      found.join('; '),
    );
  }
}

/** Loads a page again until it shows ads: rankings follow an approval by moments. */
export async function openWithAds({ page, shopUrl, context }: Journey, path: string): Promise<void> {
  await poll(
    `ads on ${path}`,
    async () => {
      await page.goto(new URL(path, shopUrl).href);
      return (await page.locator('.ads .ad').count()) > 0;
    },
    ADS_WITHIN_MS,
    500,
  );
  const ads = await page.locator('.ads .ad .name').allTextContents();
  const marked = ads.every((text) => text.includes('광고'));
  context.check(`each of the ${ads.length} ads on ${path} is marked`, marked, ads.join(', '));
}

/** Clicks the best ad and returns the product that it led to. */
export async function clickAd({ page, context }: Journey): Promise<string> {
  await page.locator('.ads .ad a').first().click();
  const [, productId = ''] = /\/product\/(\w+)$/.exec(page.url()) ?? [];
  context.check('the ad leads to its product', productId !== '', page.url());
  return productId;
}

/** Buys the product of the open page, one piece, and returns the order's number. */
export async function buyIt(journey: Journey): Promise<string> {
  const { page, context } = journey;
  await page.locator('button[name=onward]').click();
  await watch(journey, 'basket');
  await page.locator('.checkout button').click();
  const [, orderId = ''] = /\/orders\/([^?]+)\?placed=1$/.exec(page.url()) ?? [];
  context.check('the order is confirmed with its number', orderId !== '', page.url());
  await watch(journey, 'order');
  return orderId;
}

export async function cancelIt(journey: Journey): Promise<void> {
  await journey.page.locator('.actions button').click();
  const shown = await journey.page.locator('.facts').textContent();
  journey.context.check('the order is shown as cancelled', shown?.includes('취소됨') === true, shown ?? '');
  await watch(journey, 'order-cancelled');
}

/** The rest of the shop, without buying. */
export async function lookAround(journey: Journey): Promise<void> {
  const { page, shopUrl, context } = journey;
  const pages = {
    category: '/category/kitchen',
    search: '/search?q=%EB%A8%B8%EA%B7%B8%EC%BB%B5',
    'search-nothing': '/search?q=zzzz',
    orders: '/orders',
    'empty-basket': '/basket',
    'not-found': '/nowhere',
  };
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(new URL(path, shopUrl).href);
    await watch(journey, name);
  }
  await page.goto(shopUrl);
  await page.keyboard.press('Tab');
  const first = await page.locator(':focus').textContent();
  context.check(
    'the keyboard meets the way to the content first',
    first === '본문으로 건너뛰기',
    String(first),
  );
  await page.getByRole('button', { name: 'English' }).click();
  const language = await page.locator('html').getAttribute('lang');
  context.check('the shop speaks English on request', language === 'en', String(language));
  await watch(journey, 'home-english');
}
