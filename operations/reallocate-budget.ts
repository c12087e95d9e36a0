import type { Client } from '@temporalio/client';
import { budgetProblems, highestBid } from '../domain/campaign-draft.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import type { Campaign } from './campaign-read.js';
import { commandCampaign } from './campaign-workflow.js';

export interface BudgetReallocation {
  /** The same id for each repetition: a command that was carried out answers as it did first. */
  readonly commandId: string;
  readonly actorId: string;
  readonly from: Campaign;
  readonly to: Campaign;
  /** Won per day that move. */
  readonly dailyBudgetKrw: number;
}

export interface ReallocatedBudget {
  readonly from: { readonly campaignId: string; readonly dailyBudgetKrw: number };
  readonly to: { readonly campaignId: string; readonly dailyBudgetKrw: number };
}

/**
 * Two budget commands, the lowering one first, so that the sum is never above what the seller allowed. When the
 * second is refused, the first is taken back.
 */
export async function reallocateBudget(
  client: Client,
  move: BudgetReallocation,
): Promise<Result<ReallocatedBudget>> {
  const less = move.from.dailyBudgetKrw - move.dailyBudgetKrw;
  const more = move.to.dailyBudgetKrw + move.dailyBudgetKrw;
  const problem = problemOf(move.from, less) ?? problemOf(move.to, more);
  if (problem !== null) return err(problem);
  const lowered = await setDailyBudget(client, move, move.from, less, 'from');
  if (!lowered.ok) return lowered;
  const raised = await setDailyBudget(client, move, move.to, more, 'to');
  if (raised.ok) {
    return ok({
      from: { campaignId: move.from.campaignId, dailyBudgetKrw: less },
      to: { campaignId: move.to.campaignId, dailyBudgetKrw: more },
    });
  }
  await setDailyBudget(client, move, move.from, move.from.dailyBudgetKrw, 'back');
  return raised;
}

const setDailyBudget = (
  client: Client,
  { commandId, actorId }: BudgetReallocation,
  { campaignId, totalBudgetKrw }: Campaign,
  dailyBudgetKrw: number,
  step: string,
) =>
  commandCampaign(client, campaignId, 'changeBudget', {
    commandId: `${commandId}:${step}`,
    actorId,
    dailyBudgetKrw,
    totalBudgetKrw,
  });

function problemOf(campaign: Campaign, dailyBudgetKrw: number): Failure | null {
  const [problem] = budgetProblems(dailyBudgetKrw, campaign.totalBudgetKrw, highestBid(campaign.bids));
  if (problem === undefined) return null;
  return {
    code: 'invalid_campaign',
    message: `Campaign ${campaign.campaignId} would have ${dailyBudgetKrw} won a day: ${problem.message}.`,
    nextStep: 'Move another amount, or change the bids or the total budget first.',
  };
}
