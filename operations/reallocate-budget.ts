import type { Client } from '@temporalio/client';
import { budgetProblems, highestBid } from '../domain/campaign-draft.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import type { DatabasePool } from '../infra/postgres.js';
import { type Campaign, readCampaign } from './campaign-read.js';
import { commandCampaign, queryCampaignLifecycle } from './campaign-workflow.js';

export interface BudgetReallocation {
  /** The same id for each repetition: a command that was carried out answers as it did first. */
  readonly commandId: string;
  readonly actorId: string;
  readonly from: Campaign;
  readonly to: Campaign;
  /** Won per day that move. */
  readonly dailyBudgetKrw: number;
}

/** As they are now. */
export interface ReallocatedBudget {
  readonly from: { readonly campaignId: string; readonly dailyBudgetKrw: number };
  readonly to: { readonly campaignId: string; readonly dailyBudgetKrw: number };
}

/**
 * Two budget commands, the lowering one first, so that the sum is never above what the seller allowed. Both say by
 * how much, not to what, so that moves at the same time and repetitions keep the sum. When the second is refused,
 * the first is taken back, and the key is used up; when nobody knows what became of it, the repetition finds out.
 */
export async function reallocateBudget(
  deps: { readonly pool: DatabasePool; readonly temporal: Client },
  move: BudgetReallocation,
): Promise<Result<ReallocatedBudget>> {
  const { commandId, from, to, dailyBudgetKrw } = move;
  const state = await queryCampaignLifecycle(deps.temporal, from.campaignId);
  if (!state.ok) return state;
  const known = new Set(state.value.recentCommandIds);
  if (known.has(`${commandId}:back`)) return err(TAKEN_BACK);
  const isRepeated = known.has(`${commandId}:from`);
  const problem = isRepeated ? null : (problemOf(from, -dailyBudgetKrw) ?? problemOf(to, dailyBudgetKrw));
  if (problem !== null) return err(problem);
  const change = (campaign: Campaign, byKrw: number, step: 'from' | 'to' | 'back') =>
    commandCampaign(deps.temporal, campaign.campaignId, 'moveBudget', {
      commandId: `${commandId}:${step}`,
      actorId: move.actorId,
      byKrw,
    });
  const lowered = await change(from, -dailyBudgetKrw, 'from');
  if (!lowered.ok) return lowered;
  const raised = await change(to, dailyBudgetKrw, 'to');
  if (raised.ok) return ok({ from: await budgetNow(deps.pool, from), to: await budgetNow(deps.pool, to) });
  if (raised.error.code === 'dependency_unavailable') return raised;
  const back = await change(from, dailyBudgetKrw, 'back');
  return back.ok ? raised : back;
}

async function budgetNow(pool: DatabasePool, campaign: Campaign): Promise<ReallocatedBudget['from']> {
  const { campaignId, dailyBudgetKrw } = (await readCampaign(pool, campaign.campaignId)) ?? campaign;
  return { campaignId, dailyBudgetKrw };
}

const TAKEN_BACK: Failure = {
  code: 'command_refused',
  message: 'This move was refused before, and both budgets are as they were.',
  nextStep: 'Look at both campaigns, then move again with a new Idempotency-Key.',
};

function problemOf(campaign: Campaign, byKrw: number): Failure | null {
  const dailyBudgetKrw = campaign.dailyBudgetKrw + byKrw;
  const [problem] = budgetProblems(dailyBudgetKrw, campaign.totalBudgetKrw, highestBid(campaign.bids));
  if (problem === undefined) return null;
  return {
    code: 'invalid_campaign',
    message: `Campaign ${campaign.campaignId} would have ${dailyBudgetKrw} won a day: ${problem.message}.`,
    nextStep: 'Move another amount, or change the bids or the total budget first.',
  };
}
