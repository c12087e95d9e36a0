import { Redis } from 'ioredis';
import { DEMO } from '../../contracts/demo.js';
import { connectFacts } from '../support/database-facts.js';
import { runMain } from '../support/main-command.js';
import { connectShop } from '../support/shop.js';
import type { Proof, ProofContext } from './proof.js';
import { approveCampaigns, type ProofCampaign } from './spine/approve.js';
import { chargeManyClicks, repeatClick } from './spine/charge.js';
import type { Spine } from './spine/context.js';
import { exhaustCampaign } from './spine/exhaust.js';
import { measureLatency } from './spine/latency.js';
import { crossMonthBoundary } from './spine/month-boundary.js';
import { checkAuctions } from './spine/serve.js';

export const proof: Proof = {
  name: 'spine',
  proves: 'approve a campaign, rank it, serve it, charge the click: right order, right price, exactly once',
  params: { clicks: 1000, 'latency-seconds': 10 },
  run,
};

async function run(context: ProofContext): Promise<void> {
  const { stack, check, step } = context;
  step('A shop with sellers, goods and money, no campaign yet');
  const seeded = await runMain(stack.env, ['seed', '--campaigns-per-seller', '0']);
  check('the seed runs through the ordinary operations', seeded.exitCode === 0, seeded.stderr.slice(0, 500));
  const spine: Spine = {
    ...context,
    consoleUrl: `http://127.0.0.1:${stack.ports.consoleApi}`,
    shop: connectShop(`http://127.0.0.1:${stack.ports.adServer}`, DEMO.shopApiKey),
    redis: new Redis(stack.env.REDIS_URL ?? ''),
    facts: connectFacts(stack.env.DATABASE_URL ?? ''),
  };
  try {
    const campaigns: readonly ProofCampaign[] = await approveCampaigns(spine);
    await checkAuctions(spine, campaigns);
    await chargeManyClicks(spine);
    await repeatClick(spine);
    await exhaustCampaign(spine);
    await measureLatency(spine);
    await crossMonthBoundary(spine);
  } finally {
    spine.redis.disconnect();
    await spine.facts.close();
  }
}
