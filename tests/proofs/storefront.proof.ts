import { join } from 'node:path';
import { DEMO } from '../../contracts/demo.js';
import { buildCatalogue } from '../../outside/commerce/catalogue.js';
import { REPO_ROOT } from '../../stack/bootstrap/places.mjs';
import { type ConsoleClient, signIn } from '../support/console.js';
import { runMain } from '../support/main-command.js';
import { poll } from '../support/poll.js';
import type { Proof, ProofContext } from './proof.js';
import { launchChromium } from './storefront/chromium.js';
import {
  buyIt,
  cancelIt,
  clickAd,
  type Journey,
  lookAround,
  openWithAds,
  watch,
} from './storefront/journey.js';

export const proof: Proof = {
  name: 'storefront',
  proves:
    'a person with a real browser clicks an ad and buys: charged, shown as a conversion, reversed by the cancellation',
  params: { 'within-seconds': 180 },
  run,
};

/** Without a window Chromium calls itself a robot, and a robot's click is not charged. */
const PERSON =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

async function run(context: ProofContext): Promise<void> {
  const { stack, check, step, figure } = context;
  // First, so that a missing browser is said before anything is waited for.
  const browser = await launchChromium();
  try {
    step('A seeded shop');
    const seeded = await runMain(stack.env, ['seed', '--sellers', '16', '--campaigns-per-seller', '1']);
    check(
      'the seed runs through the ordinary operations',
      seeded.exitCode === 0,
      seeded.stderr.slice(0, 500),
    );
    const page = await browser.newPage({ locale: 'ko-KR', timezoneId: 'Asia/Seoul', userAgent: PERSON });
    const folder = join(REPO_ROOT, '.stack', 'screenshots', 'storefront');
    const shopUrl = `http://127.0.0.1:${stack.ports.storefront}`;
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (line) => {
      if (line.type() === 'error' && !line.text().includes('404')) problems.push(line.text());
    });
    await shopAndCompare(context, { page, shopUrl, folder, context });
    await lookAround({ page, shopUrl, folder, context });
    await operate(context, { page, shopUrl, folder, context });
    check('the browser had nothing to complain about', problems.length === 0, problems.join('; '));
    figure('pictures of every page', folder);
  } finally {
    await browser.close();
  }
}

/** The operators’ page: a form that signs in without a script, then every part with its state. */
async function operate({ stack, step, check }: ProofContext, journey: Journey): Promise<void> {
  const { page } = journey;
  step('The operators’ page');
  await page.goto(`http://127.0.0.1:${stack.ports.consoleApi}/status`);
  await watch(journey, 'operators-sign-in');
  await page.fill('input[name=email]', DEMO.adminEmail);
  await page.fill('input[name=password]', DEMO.password);
  await Promise.all([page.waitForURL('**/status'), page.click('button[type=submit]')]);
  const text = (await page.locator('body').textContent()) ?? '';
  const statements = ['rtb-ranking', 'performance-5m', 'conversion-match-24h'];
  check(
    'an operator signs in and sees the three statements',
    statements.every((name) => text.includes(name)),
  );
  await watch(journey, 'operators-status');
}

async function shopAndCompare(context: ProofContext, journey: Journey): Promise<void> {
  const { stack, check, step } = context;
  const console = await signIn(`http://127.0.0.1:${stack.ports.consoleApi}`, DEMO.adminEmail, DEMO.password);
  step('A click on an ad');
  await openWithAds(journey, '/');
  await watch(journey, 'home');
  const baselines = await measuresOfAll(console);
  const productId = await clickAd(journey);
  await watch(journey, 'product');
  const { products } = await buildCatalogue();
  const product = products.find((candidate) => candidate.productId === productId);
  if (product === undefined) throw new Error(`the shop sells no ${productId}`);
  const before = baselines.get(product.sellerId) ?? NOTHING;
  const waitFor = (what: string, holds: (now: Measures) => boolean) =>
    untilShown(context, console, product.sellerId, what, holds);
  const clicked = await waitFor('the click', (now) => now.chargedClicks === before.chargedClicks + 1);
  check(
    'the click was charged once',
    clicked.spendKrw > before.spendKrw,
    `${clicked.spendKrw - before.spendKrw} won`,
  );

  step('An order of that product');
  await buyIt(journey);
  const bought = await waitFor(
    'the conversion',
    (now) => now.directConversions === before.directConversions + 1,
  );
  const valueKrw = bought.conversionValueKrw - before.conversionValueKrw;
  check('its conversion is worth what was paid', valueKrw === product.priceKrw, `${valueKrw} won`);
  check('and is of the advertised product', bought.indirectConversions === before.indirectConversions);

  step('Its cancellation');
  await cancelIt(journey);
  const reversed = await waitFor('the reversal', (now) => now.directConversions === before.directConversions);
  check('the value is taken back', reversed.conversionValueKrw === before.conversionValueKrw);
  check('the charge of the click stays', reversed.spendKrw === clicked.spendKrw);
}

interface Measures {
  readonly chargedClicks: number;
  readonly spendKrw: number;
  readonly directConversions: number;
  readonly indirectConversions: number;
  readonly conversionValueKrw: number;
}

const NOTHING: Measures = {
  chargedClicks: 0,
  spendKrw: 0,
  directConversions: 0,
  indirectConversions: 0,
  conversionValueKrw: 0,
};

/** Before the click nobody knows whose ad it will be. */
async function measuresOfAll(console: ConsoleClient): Promise<ReadonlyMap<string, Measures>> {
  const { body } = await console.get<{ items: { id: string }[] }>('/v1/advertisers?limit=100');
  const measures = new Map<string, Measures>();
  for (const { id } of body.items) measures.set(id, await measuresOf(console, id));
  return measures;
}

async function measuresOf(console: ConsoleClient, advertiserId: string): Promise<Measures> {
  const clock = await console.get<{ businessDate: string }>('/v1/business-clock');
  const day = clock.body.businessDate;
  const answer = await console.get<{ totals: Measures }>(
    `/v1/advertisers/${advertiserId}/performance?from=${day}&to=${day}&groupBy=day`,
  );
  if (answer.status !== 200) throw new Error(`the report of ${advertiserId}: ${JSON.stringify(answer.body)}`);
  return answer.body.totals;
}

async function untilShown(
  context: ProofContext,
  console: ConsoleClient,
  advertiserId: string,
  what: string,
  holds: (now: Measures) => boolean,
): Promise<Measures> {
  const started = Date.now();
  const found = await poll(
    `${what} in the report of ${advertiserId}`,
    async () => {
      const now = await measuresOf(console, advertiserId);
      return holds(now) && now;
    },
    context.number('within-seconds') * 1_000,
    500,
  );
  context.figure(`${what} is in the report after`, `${((Date.now() - started) / 1_000).toFixed(1)} s`);
  return found;
}
