import type { Logger } from 'pino';
import { DEMO } from '../contracts/demo.js';
import { addDays, businessDateOf } from '../domain/business-date.js';
import type { Config } from '../infra/config.js';
import type { DatabasePool } from '../infra/postgres.js';
import { createTemporalClient, type TemporalClient } from '../infra/temporal.js';
import { createCampaign, submitCampaign } from '../operations/campaign-draft.js';
import { commandCampaign, submitCampaignLifecycle } from '../operations/campaign-workflow.js';
import type { Catalogue } from '../outside/commerce/catalogue.js';
import { type DemoCampaign, demoCampaigns } from '../outside/commerce/demo-campaigns.js';
import type { ShopSeller } from '../outside/commerce/sellers.js';

interface SeedCampaignsDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly pool: DatabasePool;
  /** Business clock, epoch ms. */
  readonly now: () => number;
}

const CAMPAIGN_DAYS = 180;
const AT_A_TIME = 8;
/** The worker that decides may still be starting. */
const APPROVAL_TRIES = 120;
const PAUSE_MS = 1_000;

/** Draft, submission, review by a person other than the seller: the ordinary way. Returns how many were approved. */
export async function seedCampaigns(
  deps: SeedCampaignsDeps,
  catalogue: Catalogue,
  sellers: readonly ShopSeller[],
  perSeller: number,
): Promise<number> {
  const random = spread();
  const wanted = sellers.flatMap((seller) =>
    demoCampaigns(seller, catalogue.products, perSeller, random).map((campaign, index) => ({
      seller,
      campaign,
      key: `seed-campaign-${index}`,
    })),
  );
  const missing = await withoutExisting(deps.pool, wanted);
  if (missing.length === 0) return 0;
  const temporal = createTemporalClient(deps.config);
  try {
    const queue = [...missing];
    const worker = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await seedOne(deps, temporal, next.seller, next.campaign, next.key);
        const done = missing.length - queue.length;
        if (done % 20 === 0) deps.log.info({ done, of: missing.length }, 'campaigns seeded');
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    return missing.length;
  } finally {
    await temporal.close();
  }
}

/** Names are unique per seller here, so a second run finds what the first one made. */
async function withoutExisting<T extends { seller: ShopSeller; campaign: DemoCampaign }>(
  pool: DatabasePool,
  wanted: readonly T[],
): Promise<T[]> {
  const { rows } = await pool.query<{ advertiser_id: string; name: string }>(
    `SELECT advertiser_id, name FROM campaign WHERE review_status = 'approved'`,
  );
  const existing = new Set(rows.map((row) => `${row.advertiser_id} ${row.name}`));
  return wanted.filter(({ seller, campaign }) => !existing.has(`${seller.id} ${campaign.name}`));
}

async function seedOne(
  deps: SeedCampaignsDeps,
  temporal: TemporalClient,
  seller: ShopSeller,
  campaign: DemoCampaign,
  key: string,
): Promise<void> {
  const today = businessDateOf(deps.now());
  const draft = { ...campaign, startDate: today, endDate: addDays(today, CAMPAIGN_DAYS) };
  const created = await createCampaign(deps.pool, { advertiserId: seller.id, draft, idempotencyKey: key });
  if (!created.ok) throw new Error(`seed campaign refused: ${JSON.stringify(created.error)}`);
  const { campaignId } = created.value.campaign;
  const submitted = await submitCampaign(deps.pool, campaignId);
  if (!submitted.ok) throw new Error(`seed submission refused: ${JSON.stringify(submitted.error)}`);
  const reference = { campaignId, advertiserId: seller.id };
  for (let attempt = 1; ; attempt += 1) {
    const started = await submitCampaignLifecycle(temporal.client, reference);
    const approved = started.ok
      ? await commandCampaign(temporal.client, campaignId, 'submitReview', {
          commandId: `seed-approve-${campaignId}`,
          verdict: 'approve',
          reviewerId: DEMO.adminUserId,
          reasons: [],
        })
      : started;
    if (approved.ok) return;
    if (attempt === APPROVAL_TRIES)
      throw new Error(`seed approval refused: ${JSON.stringify(approved.error)}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** The same spread of bids, budgets and clicks on every machine. */
export function spread(): () => number {
  let state = 20_111_101;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 16_777_216;
  };
}
