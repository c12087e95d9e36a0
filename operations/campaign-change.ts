import type { CampaignEventType } from '../contracts/events/campaign-events.js';
import type { CampaignChange, ChangeResult } from '../contracts/temporal/campaign-lifecycle.js';
import {
  bidProblems,
  budgetProblems,
  type DraftProblem,
  highestBid,
  searchProblems,
} from '../domain/campaign-draft.js';
import { assertNever, err, ok, type Result } from '../domain/result.js';
import { type DatabaseClient, type DatabasePool, withRetriedTransaction } from '../infra/postgres.js';
import { auditCampaign, SYSTEM_ACTOR } from './campaign-audit.js';
import { type CampaignFailure, noSuchCampaign, writeBids } from './campaign-draft.js';
import { type Campaign, type CampaignStatus, readCampaign } from './campaign-read.js';
import { writeCampaignSnapshot } from './campaign-snapshot.js';
import { resumeServing, stopServing } from './campaign-stop.js';
import { notify } from './notify.js';
import { readRankingParameters } from './read-ranking-parameters.js';
import { readTotalSpentKrw, setCampaignBudget } from './set-campaign-budget.js';

/** `expectedVersion` is the version that the only writer builds on. */
export interface ChangeRequest {
  readonly campaignId: string;
  /** null: the end date itself. */
  readonly actorId: string | null;
  readonly expectedVersion: number;
  readonly change: CampaignChange;
}

const versionConflict = (campaign: Campaign, expected: number): CampaignFailure => ({
  code: 'version_conflict',
  message: `Campaign ${campaign.campaignId} has version ${campaign.servingVersion}, not ${expected}.`,
});

/** An approved campaign becomes servable: budget row, status and first snapshot, all or nothing, once. */
export async function activateCampaign(
  pool: DatabasePool,
  request: Pick<ChangeRequest, 'campaignId' | 'expectedVersion'>,
): Promise<Result<{ version: number }, CampaignFailure>> {
  const { campaignId, expectedVersion } = request;
  return withRetriedTransaction(pool, async (client) => {
    const campaign = await readCampaign(client, campaignId, { lock: true });
    if (campaign === null) return err(noSuchCampaign);
    if (campaign.servingVersion === expectedVersion + 1) return ok({ version: campaign.servingVersion });
    if (campaign.servingVersion !== expectedVersion || campaign.reviewStatus !== 'approved') {
      return err(versionConflict(campaign, expectedVersion));
    }
    await setCampaignStatus(client, campaignId, 'enabled');
    const { bidFloorKrw } = await readRankingParameters(client);
    await setCampaignBudget(client, { ...campaign, bidFloorKrw });
    const version = await writeCampaignSnapshot(client, campaignId, expectedVersion, 'CAMPAIGN_APPROVED');
    await notify(client, {
      dedupeKey: `campaign-approved:${campaignId}:${version}`,
      template: 'campaign_approved',
      to: { advertiserId: campaign.advertiserId },
      variables: { campaignName: campaign.name },
    });
    return ok({ version });
  });
}

/**
 * One change of a serving campaign with its snapshot, all or nothing. Asked again for the same version it finds
 * its own result. A change that the rules or the actor's rights do not allow is a sentence, not an error.
 */
export async function applyCampaignChange(
  pool: DatabasePool,
  request: ChangeRequest,
): Promise<Result<ChangeResult, CampaignFailure>> {
  const { campaignId, expectedVersion, change } = request;
  return withRetriedTransaction(pool, async (client) => {
    const campaign = await readCampaign(client, campaignId, { lock: true });
    if (campaign === null) return err(noSuchCampaign);
    if (campaign.servingVersion === expectedVersion + 1) {
      return ok({ applied: true, version: campaign.servingVersion });
    }
    if (campaign.servingVersion !== expectedVersion) return err(versionConflict(campaign, expectedVersion));
    const actor = await readActor(client, request.actorId);
    const why = whyNotActFor(campaign, actor) ?? (await whyNotChange(client, campaign, change));
    if (why !== null) return ok({ applied: false, why });
    await carryOut(client, campaign, change);
    const version = await writeCampaignSnapshot(
      client,
      campaignId,
      expectedVersion,
      EVENT_TYPES[change.kind],
    );
    await auditChange(client, request, actor, version);
    return ok({ applied: true, version });
  });
}

const EVENT_TYPES: Readonly<Record<CampaignChange['kind'], CampaignEventType>> = {
  pause: 'CAMPAIGN_PAUSED',
  resume: 'CAMPAIGN_RESUMED',
  end: 'CAMPAIGN_ENDED',
  changeBids: 'CAMPAIGN_UPDATED',
  changeBudget: 'CAMPAIGN_UPDATED',
  moveBudget: 'CAMPAIGN_UPDATED',
};

interface ChangeActor {
  readonly role: string;
  readonly status: string;
  readonly advertiserId: string | null;
}
const CLOCK: ChangeActor = { role: 'system', status: 'active', advertiserId: null };

async function readActor(client: DatabaseClient, actorId: string | null): Promise<ChangeActor | undefined> {
  if (actorId === null) return CLOCK;
  const { rows } = await client.query<ChangeActor>(
    'SELECT role, status, advertiser_id AS "advertiserId" FROM user_account WHERE id = $1',
    [actorId],
  );
  return rows[0];
}

/** Asked here again, because whoever can reach Temporal can send an update. */
function whyNotActFor(campaign: Campaign, actor: ChangeActor | undefined): string | null {
  if (actor === undefined || actor.status !== 'active') return 'there is no such active account';
  if (actor.role === 'system' || actor.role === 'admin') return null;
  const owns = actor.role === 'advertiser' && actor.advertiserId === campaign.advertiserId;
  return owns ? null : 'this account may not change this campaign';
}

async function whyNotChange(
  client: DatabaseClient,
  campaign: Campaign,
  change: CampaignChange,
): Promise<string | null> {
  const problems = await changeProblems(client, campaign, change);
  return problems.length === 0
    ? null
    : problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
}

async function changeProblems(
  client: DatabaseClient,
  campaign: Campaign,
  change: CampaignChange,
): Promise<DraftProblem[]> {
  const { dailyBudgetKrw, totalBudgetKrw } = campaign;
  switch (change.kind) {
    case 'changeBids': {
      const { bidFloorKrw } = await readRankingParameters(client);
      const keywords = campaign.keywords.map(({ keyword }) => keyword);
      return [
        ...bidProblems(change.bids, bidFloorKrw),
        ...searchProblems({ bids: change.bids, keywords }),
        ...budgetProblems(dailyBudgetKrw, totalBudgetKrw, highestBid(change.bids)),
      ];
    }
    case 'changeBudget':
      return [
        ...budgetProblems(change.dailyBudgetKrw, change.totalBudgetKrw, highestBid(campaign.bids)),
        ...(await spentProblems(client, campaign.campaignId, change.totalBudgetKrw)),
      ];
    case 'moveBudget':
      return budgetProblems(dailyBudgetKrw + change.byKrw, totalBudgetKrw, highestBid(campaign.bids));
    case 'pause':
    case 'resume':
    case 'end':
      return [];
    default:
      return assertNever(change, 'change');
  }
}

/** A total below what is spent could never be kept. */
async function spentProblems(
  client: DatabaseClient,
  campaignId: string,
  totalBudgetKrw: number | null,
): Promise<DraftProblem[]> {
  const spentKrw = await readTotalSpentKrw(client, campaignId);
  if (totalBudgetKrw === null || totalBudgetKrw >= spentKrw) return [];
  return [{ field: 'totalBudgetKrw', message: `must not be below the ${spentKrw} won spent already` }];
}

async function carryOut(client: DatabaseClient, campaign: Campaign, change: CampaignChange): Promise<void> {
  switch (change.kind) {
    case 'pause':
      await setCampaignStatus(client, campaign.campaignId, 'paused');
      return stopServing(client, campaign);
    case 'resume':
      await setCampaignStatus(client, campaign.campaignId, 'enabled');
      return resumeServing(client, campaign);
    case 'end':
      await setCampaignStatus(client, campaign.campaignId, 'ended');
      return stopServing(client, campaign);
    case 'changeBids':
      return writeBids(client, campaign.campaignId, change.bids);
    case 'changeBudget':
      return changeBudget(client, campaign, change);
    case 'moveBudget': {
      const { dailyBudgetKrw, totalBudgetKrw } = campaign;
      return changeBudget(client, campaign, {
        dailyBudgetKrw: dailyBudgetKrw + change.byKrw,
        totalBudgetKrw,
      });
    }
    default:
      return assertNever(change, 'change');
  }
}

async function setCampaignStatus(
  client: DatabaseClient,
  campaignId: string,
  status: CampaignStatus,
): Promise<void> {
  await client.query('UPDATE campaign SET status = $2, updated_at = business_now() WHERE id = $1', [
    campaignId,
    status,
  ]);
}

/** The budget that charging obeys, and the campaign's own copy of it for people to see. */
async function changeBudget(
  client: DatabaseClient,
  campaign: Campaign,
  change: { dailyBudgetKrw: number; totalBudgetKrw: number | null },
): Promise<void> {
  const { dailyBudgetKrw, totalBudgetKrw } = change;
  await client.query(
    `UPDATE campaign SET daily_budget_krw = $2, total_budget_krw = $3, updated_at = business_now() WHERE id = $1`,
    [campaign.campaignId, dailyBudgetKrw, totalBudgetKrw],
  );
  const { bidFloorKrw } = await readRankingParameters(client);
  await setCampaignBudget(client, { ...campaign, dailyBudgetKrw, totalBudgetKrw, bidFloorKrw });
}

async function auditChange(
  client: DatabaseClient,
  request: ChangeRequest,
  actor: ChangeActor | undefined,
  version: number,
): Promise<void> {
  const who =
    request.actorId === null
      ? SYSTEM_ACTOR
      : { actorId: request.actorId, actorRole: actor?.role ?? 'unknown', via: 'console' as const };
  await auditCampaign(client, {
    ...who,
    action: `campaign.${request.change.kind}`,
    campaignId: request.campaignId,
    detail: { ...request.change, version },
  });
}
