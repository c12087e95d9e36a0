/** Names and types only: imported by workflows, activities and API alike. No zod here. */
export const topUpWorkflowId = (topUpId: string) => `top-up:${topUpId}`;

export const TOP_UP = {
  workflowType: 'topUp',
  /** Signal: the provider has said that something happened to the payment; it is read again. */
  paymentChanged: 'paymentChanged',
  /** Update: answers when the virtual account is issued, or at once for a card. */
  opened: 'opened',
  /** Update: the checkout window has made a payment of a card; confirms it. */
  confirm: 'confirm',
  /** Query. */
  state: 'state',
} as const;

export interface TopUpInput {
  readonly topUpId: string;
}

export interface ConfirmTopUpCommand {
  /** Names the act: a repeated id gets the first answer. */
  readonly commandId: string;
  /** Id of the payment at the provider; no secret. */
  readonly paymentKey: string;
}

export type ConfirmTopUpAnswer =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly code: string; readonly why: string; readonly nextStep: string };

/** `open`: money may still come. The rest ends the workflow; a later word of the provider starts it again. */
export type TopUpProgress = 'open' | 'credited' | 'expired' | 'failed' | 'reversed' | 'idle';

export interface TopUpState {
  readonly topUpId: string;
  readonly progress: TopUpProgress;
  /** Times that the payment was read at the provider by this run. */
  readonly readings: number;
  readonly confirming: boolean;
}

/** Every function is idempotent: it compares the stored top-up with the payment at the provider. */
export interface TopUpActivities {
  /** Issues the virtual account when there is none; how long the payment may take. */
  openTopUp(input: TopUpInput): Promise<{ expiresInMs: number; progress: TopUpProgress }>;
  /** Compares order and amount with the payment, confirms it, credits. */
  confirmCardPayment(input: { topUpId: string; paymentKey: string }): Promise<ConfirmTopUpAnswer>;
  /** Reads the payment and does what is due: credit, reverse, expire. */
  settleTopUp(input: { topUpId: string; timeIsOver: boolean }): Promise<{ progress: TopUpProgress }>;
}
