import { DEMO } from '../../../contracts/demo.js';
import { buildCatalogue } from '../../../outside/commerce/catalogue.js';
import { type OrderImport, readOrderImport } from '../../../outside/commerce/order-import.js';
import { readOrderLines } from '../../../outside/commerce/order-lines.js';
import { createShopClient, type ShopClient } from '../../../outside/commerce/shop-client/client.js';
import { connectFacts, type DatabaseFacts } from '../../support/database-facts.js';
import { poll } from '../../support/poll.js';
import type { ProofContext } from '../proof.js';
import { ProofClock } from './business-clock.js';
import { compareRows } from './compare.js';
import { expectedConversions, justTooLate } from './expected.js';
import { LEADS, planReplay } from './plan.js';
import { readRecorded } from './recorded.js';
import { click, nothingSent, type ReplayDeps, replayBatch, report, type Sent } from './replay.js';

const MINUTE_MS = 60_000;
const FEED_LINES = 36_149;
const PROGRESS_EVERY_BATCHES = 9;

/** On a stack whose sellers advertise: replays the feed, and judges what the matching statement made of it. */
export async function proveRealOrders(context: ProofContext): Promise<void> {
  const { stack, random } = context;
  const facts = connectFacts(stack.env.DATABASE_URL ?? '');
  const shop = createShopClient({
    adServerUrl: `http://127.0.0.1:${stack.ports.adServer}`,
    apiKey: DEMO.shopApiKey,
    log: { warn: () => undefined, error: () => undefined },
    // What is proven is the matching of orders, on a machine that does everything at once: no visit without its ads.
    adsWithinMs: 5_000,
  });
  try {
    const home = { placement: 'HOME', deviceId: 'first-look' } as const;
    const isFilled = async () => (await shop.fetchAds(home)).ads.length > 0;
    await poll('ads are answered', isFilled, MINUTE_MS, 200);
    const clock = await ProofClock.open(`http://127.0.0.1:${stack.ports.consoleApi}`, shop);
    const { products } = await buildCatalogue();
    const categories = new Map(products.map((product) => [product.productId, product.categoryId]));
    const categoryOf = (productId: string) => categories.get(productId) ?? '';
    const imported = await readOrderImport();
    await checkImport(context, imported);
    const sent = await replay(context, { shop, clock, categoryOf, random }, imported);
    await sendSentinel(context, { shop, clock }, sent, facts);
    await judge(context, facts, sent);
  } finally {
    shop.close();
    await facts.close();
  }
}

async function checkImport({ check, figure, step }: ProofContext, { fates }: OrderImport): Promise<void> {
  step('The feed: every line has one fate');
  for (const [fate, lines] of Object.entries(fates)) figure(fate, lines);
  const total = Object.values(fates).reduce((sum, lines) => sum + lines, 0);
  check(`they add up to the ${FEED_LINES} lines of the feed`, total === FEED_LINES, `${total}`);
}

async function replay(context: ProofContext, deps: ReplayDeps, imported: OrderImport): Promise<Sent> {
  const { step, figure, check, number, random } = context;
  const batches = planReplay(imported, {
    visitedShare: number('visited-percent') / 100,
    repeatedShare: number('repeated-percent') / 100,
    random,
  });
  step(`Fourteen days in ${batches.length} places of business time, over HTTP`);
  const started = Date.now();
  const startsAt = deps.clock.now() + MINUTE_MS;
  const sent = nothingSent();
  for (const [index, batch] of batches.entries()) {
    await deps.clock.moveTo(startsAt + batch.atMs);
    await replayBatch(deps, batch, sent);
    if ((index + 1) % PROGRESS_EVERY_BATCHES === 0) {
      figure(`after ${Math.round((Date.now() - started) / 1_000)} s`, `${index + 1} places`);
    }
  }
  figure('requests of orders and cancellations', sent.counts.requests);
  figure('order lines / lines cancelled', `${sent.lines.size} / ${sent.cancelledLines.size}`);
  figure('orders sent twice', sent.counts.repeated);
  figure('visits / clicks', `${sent.counts.visits} / ${sent.clicks.size}`);
  figure('visits without an ad to click', sent.counts.unfilled);
  for (const lead of LEADS) {
    figure(`  clicks ${lead}`, [...sent.clicks.values()].filter((one) => one.lead === lead).length);
  }
  check('every report was answered at once', sent.failures.length === 0, sent.failures.slice(0, 3).join(' '));
  return sent;
}

/**
 * A last order after all others, and time that passes it: once its conversion is there, event time has passed every
 * order line of the replay.
 */
async function sendSentinel(
  { step, check }: ProofContext,
  { shop, clock }: { shop: ShopClient; clock: ProofClock },
  sent: Sent,
  facts: DatabaseFacts,
): Promise<void> {
  step('Event time passes the last order');
  await clock.moveTo(clock.now() + 10 * MINUTE_MS);
  const deviceId = 'sentinel';
  const answer = await shop.fetchAds({ placement: 'HOME', deviceId, maxAds: 1 });
  const [ad] = answer.ads;
  if (!ad) throw new Error('no ad for the sentinel');
  await click({ shop, clock }, answer, ad, deviceId, 'sentinel', sent);
  const line = {
    lineNo: 1,
    productId: ad.productId,
    sellerId: ad.advertiserId,
    quantity: 1,
    unitPriceKrw: 1_000,
  };
  const order = { kind: 'order', at: 0, orderId: 'sentinel', deviceId, lines: [line] } as const;
  await report({ shop, clock }, { ...order, lines: [line] }, sent);
  await clock.moveTo(clock.now() + 10 * MINUTE_MS);
  const isThere = async () =>
    (await facts.rows(`SELECT FROM conversion_result WHERE order_line_id = 'sentinel:1'`)).length === 1;
  const started = Date.now();
  await poll('the conversion of the last order', isThere, 3 * MINUTE_MS, 500);
  check('the last order is matched', true, `${((Date.now() - started) / 1_000).toFixed(1)} s`);
}

async function judge(context: ProofContext, facts: DatabaseFacts, sent: Sent): Promise<void> {
  const { step, check, figure } = context;
  step('What was recorded, and what follows from it');
  const recorded = await readRecorded(context, sent);
  const feedKrw = (await feedValueKrw()) + 1_000;
  const isEqual = recorded.amountKrw === feedKrw;
  check('the recorded order value is the feed’s, to the won', isEqual, `${recorded.amountKrw} / ${feedKrw}`);
  const expected = expectedConversions(recorded.clicks, recorded.lines);
  const reversed = expected.filter((row) => row.reversedAt !== null);
  const old = expected.filter((row) => row.convertedAt - row.clickedAt > 23 * 60 * MINUTE_MS);
  const tooLate = justTooLate(recorded.clicks, recorded.lines, expected);
  const ofKind = (match: string) => expected.filter((row) => row.match === match).length;
  const valueKrw = expected.reduce((sum, row) => sum + row.valueKrw, 0);
  figure('expected conversions, direct / indirect', `${ofKind('direct')} / ${ofKind('indirect')}`);
  figure('of order value, won', `${valueKrw} of ${recorded.amountKrw}`);
  figure('reversed', reversed.length);
  figure('credited to a click of more than 23 hours ago', old.length);
  figure('not credited because the click was up to 2 hours too old', tooLate);
  const bites = ofKind('direct') > 0 && ofKind('indirect') > 0 && old.length > 0 && tooLate > 0;
  check('direct and indirect matches, and the 24 hours bite on both sides', bites);
  check('some conversions were reversed', reversed.length > 0);

  step('The statement’s results, row for row');
  await compareRows(context, facts, expected);
  const again = await readRecorded({ ...context, check: () => undefined }, sent);
  const converted = new Set(expected.map((row) => row.orderLineId));
  check(
    'AD_CONVERTED was told of exactly these',
    isSame(again.converted, converted),
    `${again.converted.size}`,
  );
  const taken = new Set(reversed.map((row) => row.orderLineId));
  check('AD_CONVERSION_REVERSED of exactly these', isSame(again.reversed, taken), `${again.reversed.size}`);
}

const isSame = (one: ReadonlySet<string>, other: ReadonlySet<string>) =>
  one.size === other.size && [...one].every((id) => other.has(id));

/** What the feed is worth, straight from its lines: goods with a price, at 1,700 won a pound in steps of ten. */
async function feedValueKrw(): Promise<number> {
  let total = 0;
  for await (const line of readOrderLines()) {
    const isGoods = /^\d{5}[A-Za-z]{0,2}$/.test(line.stockCode) && !line.invoiceNo.startsWith('C');
    if (!isGoods || line.quantity <= 0 || line.unitPriceGbp <= 0) continue;
    total += line.quantity * Math.max(10, Math.round((line.unitPriceGbp * 1_700) / 10) * 10);
  }
  return total;
}
