import type { Failure } from '../../domain/result.js';

/** Names and types only. All three are started by schedules on the queue `business`; ids name the calendar. */
export const DAILY_MONITORING = { workflowType: 'dailyMonitoring', state: 'state' } as const;
export const WEEKLY_BID_OPTIMIZATION = { workflowType: 'weeklyBidOptimization', state: 'state' } as const;
export const QUARTERLY_TUNING = {
  workflowType: 'quarterlyTuning',
  /** Update, and signals with the same meaning for an admin with the Temporal CLI (one argument, TuningSignal). */
  decide: 'decide',
  approve: 'approve',
  reject: 'reject',
  state: 'state',
} as const;

/** The schedule's own; Temporal appends the time of the run. */
export const MONITORING_WORKFLOW_IDS = {
  daily: 'daily-monitoring',
  weekly: 'weekly-bid-optimization',
  quarterly: 'quarterly-tuning',
} as const;

/** One decision per quarter, wherever it is asked from. */
export const quarterlyTuningId = (quarter: string) => `quarterly-tuning:${quarter}`;

export interface QuarterlyTuningInput {
  /** Set by the scheduled run, which starts one workflow per quarter. */
  readonly quarter?: string;
}

export interface ChunkedRunState {
  /** The last advertiser that was looked at; empty before the first. */
  readonly afterId: string;
  readonly advertisers: number;
  /** Notices told, or proposals made. */
  readonly results: number;
}

export interface ChunkedRunInput {
  /** The day or week; null: that of the business clock. Set by a run that continues another. */
  readonly period?: string;
  readonly carried?: ChunkedRunState;
}

export interface ChunkInput {
  readonly period: string;
  readonly afterId: string;
}
export interface ChunkResult {
  /** Null: this was the last chunk. */
  readonly lastId: string | null;
  readonly advertisers: number;
  readonly results: number;
}

export interface TuningDecision {
  readonly commandId: string;
  readonly verdict: 'approve' | 'reject';
  readonly actorId: string;
}
export interface TuningSignal {
  readonly actorId: string;
}
export type TuningAnswer = { readonly accepted: true } | { readonly accepted: false; readonly why: string };

export interface QuarterlyTuningState {
  readonly quarter: string | null;
  readonly phase: 'proposing' | 'waiting' | 'approved' | 'rejected' | 'expired' | 'nothing_to_propose';
  readonly decidedBy: string | null;
  readonly publishedVersion: number | null;
  readonly ignoredDecision: { readonly by: string; readonly why: string } | null;
}

export interface MonitoringActivities {
  /** Yesterday, this week's Monday and the quarter, by the business clock. */
  planMonitoring(): Promise<{
    readonly yesterday: string;
    readonly week: string;
    readonly quarter: string;
  }>;
  sendDailyDigests(input: ChunkInput): Promise<ChunkResult>;
  proposeBids(input: ChunkInput): Promise<ChunkResult>;
  /** True: there is something to decide. */
  proposeRankingParameters(input: { quarter: string }): Promise<boolean>;
  decideRankingParameters(
    input: Omit<TuningDecision, 'commandId'> & { quarter: string },
  ): Promise<{ readonly version: number | null } | { readonly refused: Failure }>;
  expireRankingParameters(input: { quarter: string }): Promise<void>;
  publishRankingParameters(): Promise<void>;
}
