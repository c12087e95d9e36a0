import { z } from 'zod';
import { campaignPacingSchema } from '../../contracts/http/campaign-pacing.js';
import { campaignParamsSchema, campaignSchema, pacingChangeSchema } from '../../contracts/http/campaigns.js';
import { readCampaignPacing } from '../../operations/read-campaign-pacing.js';
import { setCampaignPacing } from '../../operations/set-campaign-pacing.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { campaignBody, findOwnCampaign } from './campaign-requests.js';
import type { ConsoleDeps } from './deps.js';

type Deps = Pick<ConsoleDeps, 'pool' | 'redis' | 'log' | 'businessNow'>;

export function campaignPacingRoutes(deps: Deps): RouteDefinition[] {
  const { pool } = deps;
  return [
    defineRoute({
      method: 'get',
      path: '/v1/campaigns/{id}/pacing',
      summary:
        'How a campaign spends its day: what is spent, what was planned by now, and the share of queries.',
      tags: ['Campaigns'],
      access: { roles: ['advertiser', 'admin', 'finance'] },
      params: campaignParamsSchema,
      query: z.object({}),
      responses: { 200: { description: 'The pacing of this moment.', schema: campaignPacingSchema } },
      handler: async ({ actor, params }) => {
        const campaign = await findOwnCampaign(pool, actor, params.id);
        if (!campaign.ok) return campaign;
        return { status: 200, body: await readCampaignPacing(deps, campaign.value) };
      },
    }),
    defineRoute({
      method: 'put',
      path: '/v1/campaigns/{id}/pacing',
      summary: 'Spends the daily budget as fast as possible, or evenly over the serving hours.',
      description:
        'Also while the campaign serves; no review is needed. It takes effect within some ten seconds.',
      tags: ['Campaigns'],
      access: { roles: ['advertiser'] },
      params: campaignParamsSchema,
      body: pacingChangeSchema,
      responses: { 200: { description: 'The campaign.', schema: campaignSchema } },
      handler: async ({ actor, params, body }) => {
        const own = await findOwnCampaign(pool, actor, params.id);
        if (!own.ok) return own;
        const { userId: actorId, role: actorRole } = actor;
        const result = await setCampaignPacing(pool, {
          campaignId: params.id,
          pacing: body.pacing,
          actorId,
          actorRole,
        });
        return result.ok ? { status: 200, body: campaignBody(result.value) } : result;
      },
    }),
  ];
}
