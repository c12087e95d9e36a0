import { parseArgs } from 'node:util';
import { DEMO } from '../contracts/demo.js';
import { API_SCOPES } from '../domain/access.js';
import { businessNumberCheckDigit } from '../domain/business-number.js';
import { startBusinessClock } from '../infra/clock.js';
import { createPool, type DatabasePool } from '../infra/postgres.js';
import { createPrisma, type PrismaClient } from '../infra/prisma.js';
import { createTemporalClient } from '../infra/temporal.js';
import { createApiKey } from '../operations/api-keys.js';
import { beginDemonstration } from '../operations/begin-demonstration.js';
import { createUser, type NewUser } from '../operations/create-user.js';
import { creditTopUp } from '../operations/credit-top-up.js';
import { grantPromo } from '../operations/grant-promo.js';
import { importProductFeed } from '../operations/import-product-feed.js';
import { registerAdvertiser } from '../operations/register-advertiser.js';
import { startSettlingOpenDays } from '../operations/settlement-workflow.js';
import { tellCampaignsThatClockMoved } from '../operations/tell-clock-moved.js';
import { buildCatalogue, type Catalogue } from '../outside/commerce/catalogue.js';
import { SHOP_CATEGORIES } from '../outside/commerce/categories.js';
import { SHOP_SELLERS } from '../outside/commerce/sellers.js';
import type { ProcessContext } from './process.js';
import { seedCampaigns, spread } from './seed-campaigns.js';
import { seedHistory } from './seed-history.js';

const PROMO_DAYS = 60;
const USERS_AT_A_TIME = 4;

/**
 * A shop to begin with: the real catalogue, forty sellers with money, people who may sign in, and campaigns that
 * went through review. Everything goes through the same operations and workflows as real business, and can be
 * run again: what exists is left alone. Refused in production.
 */
export async function seed(context: ProcessContext, args: readonly string[]): Promise<number> {
  const { config, log } = context;
  if (config.ADS_ENV === 'production') {
    process.stderr.write('the demonstration data is refused with ADS_ENV=production\n');
    return 2;
  }
  const { values } = parseArgs({
    args: [...args],
    options: {
      sellers: { type: 'string', default: String(SHOP_SELLERS.length) },
      'campaigns-per-seller': { type: 'string', default: '2' },
      'history-days': { type: 'string', default: '0' },
    },
  });
  const started = Date.now();
  const pool = createPool(config);
  const prisma = createPrisma(pool);
  const historyDays = Number(values['history-days']);
  if (historyDays > 0) await beginDemonstration(pool, historyDays);
  const clock = await startBusinessClock(pool);
  try {
    const catalogue = await buildCatalogue();
    await seedShop(pool, catalogue, clock.now());
    await seedPeople(prisma, config.HASH_KEY);
    const campaigns = await seedCampaigns(
      { config, log, pool, now: clock.now },
      catalogue,
      SHOP_SELLERS.slice(0, Number(values.sellers)),
      Number(values['campaigns-per-seller']),
    );
    const history = await seedHistory({ pool, log, random: spread() });
    if (history.clicks > 0) await endHistory(context, pool);
    const figures = {
      products: catalogue.products.length,
      rejectedFeedRows: catalogue.rejected,
      sellers: SHOP_SELLERS.length,
      campaigns,
      history,
      ms: Date.now() - started,
    };
    log.info(figures, 'seeded');
    process.stdout.write(`seeded ${JSON.stringify(figures)}\n`);
    return 0;
  } finally {
    clock.stop();
    await prisma.$disconnect();
    await pool.end();
  }
}

/**
 * The campaigns planned their end while the clock stood in the past; and the days that are over now are settled, as
 * the schedule would do in the night.
 */
async function endHistory({ config, log }: ProcessContext, pool: DatabasePool): Promise<void> {
  const temporal = createTemporalClient(config);
  try {
    await tellCampaignsThatClockMoved(pool, temporal.client, log);
    must(await startSettlingOpenDays(temporal.client, DEMO.financeUserId));
  } finally {
    await temporal.close();
  }
}

async function seedShop(pool: DatabasePool, catalogue: Catalogue, now: number): Promise<void> {
  for (const [index, seller] of SHOP_SELLERS.entries()) {
    const firstNine = String(110_810_000 + index * 137);
    await registerAdvertiser(pool, {
      advertiserId: seller.id,
      name: seller.name,
      businessNumber: `${firstNine}${businessNumberCheckDigit(firstNine)}`,
    });
    must(
      await creditTopUp(pool, {
        idempotencyKey: `seed:top-up:${seller.id}`,
        advertiserId: seller.id,
        amountKrw: 300_000 + seller.sharePercent * 50_000,
      }),
    );
    if (index % 3 === 0) {
      must(
        await grantPromo(pool, {
          idempotencyKey: `seed:promo:${seller.id}`,
          advertiserId: seller.id,
          amountKrw: 50_000,
          expiresAt: now + PROMO_DAYS * 86_400_000,
        }),
      );
    }
  }
  await importProductFeed(pool, { categories: SHOP_CATEGORIES, products: catalogue.products });
}

async function seedPeople(prisma: PrismaClient, hashKey: string): Promise<void> {
  const staff = (userId: string, email: string, displayName: string, role: 'admin' | 'finance'): NewUser => ({
    userId,
    email,
    displayName,
    role,
    advertiserId: null,
    password: DEMO.password,
  });
  const people: NewUser[] = [
    staff(DEMO.adminUserId, DEMO.adminEmail, '운영자', 'admin'),
    staff(DEMO.secondAdminUserId, DEMO.secondAdminEmail, '심사 담당', 'admin'),
    staff(DEMO.financeUserId, DEMO.financeEmail, '정산 담당', 'finance'),
    ...SHOP_SELLERS.map((seller) => ({
      userId: `usr_${seller.id.slice(4)}`,
      email: DEMO.sellerEmail(seller.id),
      displayName: `${seller.name} 담당자`,
      role: 'advertiser' as const,
      advertiserId: seller.id,
      password: DEMO.password,
    })),
  ];
  const known = new Set((await prisma.userAccount.findMany({ select: { id: true } })).map((user) => user.id));
  const missing = people.filter((person) => person.userId !== undefined && !known.has(person.userId));
  for (let start = 0; start < missing.length; start += USERS_AT_A_TIME) {
    const results = await Promise.all(
      missing.slice(start, start + USERS_AT_A_TIME).map((person) => createUser(prisma, person)),
    );
    results.forEach(must);
  }
  if ((await prisma.apiKey.count({ where: { name: 'demo shop' } })) > 0) return;
  await createApiKey(
    { prisma, hashKey },
    {
      name: 'demo shop',
      scopes: [...API_SCOPES],
      key: DEMO.shopApiKey,
    },
    { actorId: DEMO.adminUserId, actorRole: 'admin', via: 'cli' },
  );
}

/** A seed that is refused by its own rules is a bug: stop and say which rule. */
function must(
  result: { readonly ok: true } | { readonly ok: false; readonly error: { code: string; message: string } },
): void {
  if (!result.ok && result.error.code !== 'already_exists') {
    throw new Error(`seed refused: ${result.error.code}: ${result.error.message}`);
  }
}
