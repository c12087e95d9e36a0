import { type CatalogueProduct, stablePoint } from '../catalogue.js';
import { SHOP_CATEGORIES } from '../categories.js';
import { SEARCH_WORDS } from '../shelves.js';
import type { Ad, AdAnswer, AdQuery } from '../shop-client/types.js';
import { misbehave } from './bad-clicks.js';
import { pick, pickPopular } from './random.js';
import { noteReport, paced, type TrafficWorld, type Visitor } from './traffic-world.js';

const USER_AGENTS = [
  'Mozilla/5.0 (Linux; Android 15; SM-S931N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15',
] as const;

/** The same device has the same browser and the same address on every visit. */
export function visitorOf(deviceId: string, interests: readonly string[]): Visitor {
  const part = (salt: string) => 1 + stablePoint(`${deviceId}${salt}`) * 2;
  return {
    deviceId,
    shopper: {
      ip: `10.${part('a')}.${part('b')}.${part('c')}`,
      userAgent: USER_AGENTS[stablePoint(deviceId) % USER_AGENTS.length] ?? USER_AGENTS[0],
    },
    interests,
  };
}

/** Half of the visitors have bought here before; the others are new. */
export function randomVisitor(world: TrafficWorld): Visitor {
  const known = world.random() < 0.5 ? pick(world.random, world.customers) : undefined;
  const category = pick(world.random, SHOP_CATEGORIES);
  return visitorOf(known ?? world.newName('visitor'), category === undefined ? [] : [category.id]);
}

const PAGES_MIN = 2;
const PAGES_MAX = 8;

/**
 * A visit of two to eight pages. Ends early when the ad system does not answer. Returns what was clicked, which is
 * what the visitor may buy.
 */
export async function browse(world: TrafficWorld, visitor: Visitor): Promise<CatalogueProduct[]> {
  const { random, pace, counts } = world;
  const clicked: CatalogueProduct[] = [];
  counts.visits += 1;
  let query = firstPage(world, visitor);
  const pages = PAGES_MIN + Math.floor(random() * (PAGES_MAX - PAGES_MIN + 1));
  for (let page = 0; page < pages; page += 1) {
    const answer = await openPage(world, visitor, query);
    if (answer === null) break;
    const [shortest, longest] = pace.dwellMs;
    await world.pause(shortest + random() * (longest - shortest));
    const product = await look(world, visitor, query, answer);
    if (product !== null) clicked.push(product);
    query = product === null ? nextPage(world, visitor) : productPage(visitor, product);
  }
  return clicked;
}

type PageQuery = AdQuery;

function firstPage(world: TrafficWorld, visitor: Visitor): PageQuery {
  const { deviceId } = visitor;
  return world.random() < 0.5 ? { placement: 'HOME', maxAds: 5, deviceId } : nextPage(world, visitor);
}

function nextPage(world: TrafficWorld, visitor: Visitor): PageQuery {
  const { random, shelves } = world;
  const { deviceId } = visitor;
  const category = pick(random, visitor.interests) ?? 'home-decor';
  const dice = random();
  const product = dice < 0.45 ? pickPopular(random, shelves.inCategory(category)) : undefined;
  if (product !== undefined) return productPage(visitor, product);
  const word = dice < 0.75 ? pick(random, SEARCH_WORDS[category] ?? []) : undefined;
  if (word !== undefined) return { placement: 'SEARCH', query: word, maxAds: 5, deviceId };
  return { placement: 'CATEGORY', category, maxAds: 5, deviceId };
}

const productPage = ({ deviceId }: Visitor, product: CatalogueProduct): PageQuery => ({
  placement: 'PRODUCT_DETAIL',
  category: product.categoryId,
  productId: product.productId,
  maxAds: 4,
  deviceId,
});

/** Asks for the ads of a page; null when the ad system is away. */
export async function openPage(
  world: TrafficWorld,
  visitor: Visitor,
  query: PageQuery,
): Promise<AdAnswer | null> {
  const answer = await paced(world, (client) => client.fetchAds(query, visitor.shopper));
  world.counts.pages += 1;
  if (!answer.answered) {
    world.counts.pagesWithoutAnswer += 1;
    world.backOff.failed();
    return null;
  }
  world.backOff.answered();
  world.counts.adsServed += answer.ads.length;
  return answer;
}

/** Sees some of the ads and clicks one at most. Returns its product. */
async function look(
  world: TrafficWorld,
  visitor: Visitor,
  query: PageQuery,
  answer: AdAnswer,
): Promise<CatalogueProduct | null> {
  const { random, pace, counts, shelves } = world;
  const seen = answer.ads.filter(({ slot }) => random() < bySlot(pace.viewProbability, slot));
  if (seen.length === 0) return null;
  const reported = await paced(world, (client) => client.reportImpressions(answer, seen));
  noteReport(world, reported);
  if (reported.state === 'answered') counts.adsViewed += seen.length;
  for (const ad of seen) {
    const product = shelves.find(ad.productId);
    if (product === undefined) continue;
    const fits = query.placement === 'SEARCH' || visitor.interests.includes(product.categoryId);
    const chance = bySlot(pace.clickProbability, ad.slot) * (fits ? pace.relevant : pace.irrelevant);
    if (random() >= chance) continue;
    await click(world, visitor, answer, ad);
    await misbehave(world, { visitor, query, answer, ad });
    return product;
  }
  return null;
}

const bySlot = (probabilities: readonly number[], slot: number): number =>
  probabilities[Math.min(slot, probabilities.length) - 1] ?? 0;

async function click(world: TrafficWorld, { shopper }: Visitor, answer: AdAnswer, ad: Ad): Promise<void> {
  const { counts } = world;
  const report = noteReport(world, await paced(world, (client) => client.reportClick(answer, ad, shopper)));
  counts.clicks += 1;
  if (report.state !== 'answered') return;
  const { outcome } = report.body;
  if (outcome === 'charged') counts.clicksCharged += 1;
  else if (outcome === 'accepted') counts.clicksAccepted += 1;
  else counts.clicksNotCharged += 1;
}
