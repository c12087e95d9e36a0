/** Names and types only: imported by workflows, activities and API alike. No zod here. */
export const autoTopUpWorkflowId = (advertiserId: string) => `auto-top-up:${advertiserId}`;

export const AUTO_TOP_UP = {
  workflowType: 'autoTopUp',
  /** Signal, also sent with the start: look whether money is needed. Repeated it does nothing more. */
  balanceBelowThreshold: 'balanceBelowThreshold',
  /** Query. */
  state: 'state',
} as const;

export interface AutoTopUpInput {
  readonly advertiserId: string;
}

export interface AutoTopUpState {
  readonly advertiserId: string;
  readonly phase: 'checking' | 'charging' | 'cooling_down' | 'idle';
  readonly chargesInThisRun: number;
}

/** What the database says should happen now. */
export type AutoTopUpStep =
  | { readonly kind: 'idle'; readonly why: string }
  | { readonly kind: 'wait'; readonly waitMs: number }
  | { readonly kind: 'charge'; readonly topUpId: string };

export interface AutoTopUpActivities {
  /** Balance, cap, cooldown and an unfinished charge, looked at together; `charge` names a stored top-up. */
  planAutoTopUp(input: AutoTopUpInput): Promise<AutoTopUpStep>;
  /** Charges the card unless the payment exists already, and credits once. */
  chargeAutoTopUp(input: AutoTopUpInput & { topUpId: string }): Promise<{ charged: boolean }>;
}
