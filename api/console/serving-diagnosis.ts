import { z } from 'zod';
import { campaignParamsSchema } from '../../contracts/http/campaigns.js';
import { servingDiagnosisSchema } from '../../contracts/http/serving-diagnosis.js';
import { readServingDiagnosis } from '../../operations/read-serving-diagnosis.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { findOwnCampaign } from './campaign-requests.js';
import type { ConsoleDeps } from './deps.js';

type Deps = Pick<ConsoleDeps, 'pool' | 'redis' | 'log' | 'businessNow'>;

export function servingDiagnosisRoutes(deps: Deps): RouteDefinition[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/campaigns/{id}/serving-diagnosis',
      summary: 'Why the ads of a campaign show or do not, what to do next, and the numbers behind it.',
      tags: ['Campaigns'],
      access: { roles: ['advertiser', 'admin', 'finance'] },
      params: campaignParamsSchema,
      query: z.object({}),
      responses: { 200: { description: 'The diagnosis of this moment.', schema: servingDiagnosisSchema } },
      handler: async ({ actor, params }) => {
        const campaign = await findOwnCampaign(deps.pool, actor, params.id);
        if (!campaign.ok) return campaign;
        return { status: 200, body: await readServingDiagnosis(deps, campaign.value) };
      },
    }),
  ];
}
