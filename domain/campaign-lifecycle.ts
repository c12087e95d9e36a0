import { assertNever } from './result.js';
import { isStorableText } from './storable-text.js';

/** Where a submitted campaign is on its way. */
export const CAMPAIGN_PHASES = [
  'checking_policy',
  'in_review',
  'rejected',
  'activating',
  'serving',
  'paused',
  'ended',
] as const;
export type CampaignPhase = (typeof CAMPAIGN_PHASES)[number];

/** What its advertiser (or an admin) may ask for while it serves. */
export const SERVING_COMMANDS = [
  'pause',
  'resume',
  'end',
  'changeBids',
  'changeBudget',
  'moveBudget',
] as const;
export type ServingCommand = (typeof SERVING_COMMANDS)[number];

/** A rejected campaign may be corrected and submitted again for this long. */
export const RESUBMISSION_DAYS = 30;
/** After a missed deadline the reviewers are reminded this often. */
export const REVIEW_REMINDER_HOURS = 24;
/** How long the ranking may take to acknowledge a version before that is reported. */
export const ACKNOWLEDGEMENT_TIMEOUT_MS = 60_000;
/** A run takes this many commands, then continues as new, so that no history grows without bound. */
export const COMMANDS_PER_RUN = 200;
/** Answers remembered for callers that repeat a command id, also across runs. */
export const REMEMBERED_ANSWERS = 50;

/** Why a command cannot be carried out now, as a sentence; null when it can. */
export function refusalOf(command: ServingCommand, phase: CampaignPhase): string | null {
  if (phase === 'ended') return 'the campaign has ended';
  if (phase !== 'serving' && phase !== 'paused') return `the campaign is not serving yet (${phase})`;
  if (command === 'pause' && phase === 'paused') return 'the campaign is already paused';
  if (command === 'resume' && phase === 'serving') return 'the campaign is already serving';
  return null;
}

/** Where a carried out command leads. */
export function phaseAfter(command: ServingCommand, phase: CampaignPhase): CampaignPhase {
  switch (command) {
    case 'pause':
      return 'paused';
    case 'resume':
      return 'serving';
    case 'end':
      return 'ended';
    case 'changeBids':
    case 'changeBudget':
    case 'moveBudget':
      return phase;
    default:
      return assertNever(command, 'command');
  }
}

/** Why a review decision cannot be taken, as a sentence; null when it can. */
export function reviewRefusal(
  decision: {
    verdict: string;
    reviewerId: string;
    reasons: readonly string[];
    rejectedKeywords?: readonly { keyword: string; reason: string }[];
  },
  phase: CampaignPhase,
): string | null {
  if (decision.verdict !== 'approve' && decision.verdict !== 'reject')
    return `unknown verdict: ${String(decision.verdict)}`;
  if (typeof decision.reviewerId !== 'string' || decision.reviewerId === '')
    return 'a decision names its reviewer';
  if (!isStorableText(decision.reviewerId)) return 'the reviewer is not named in valid text';
  if (!Array.isArray(decision.reasons) || decision.reasons.some((reason) => typeof reason !== 'string'))
    return 'reasons are a list of sentences';
  if (!decision.reasons.every(isStorableText)) return 'a reason is not valid text';
  if (decision.verdict === 'reject' && !decision.reasons.some((reason: string) => reason.trim() !== ''))
    return 'a rejection needs at least one reason';
  if (!areRejectedKeywords(decision.rejectedKeywords ?? []))
    return 'rejected keywords are a list of {keyword, reason}, both valid text';
  if (phase !== 'in_review') return `the campaign is not in review (${phase})`;
  return null;
}

/** A person types them behind a signal: what is not of this form would be tried for ever. */
const areRejectedKeywords = (given: unknown): boolean =>
  Array.isArray(given) &&
  given.every(
    (item: unknown) =>
      typeof item === 'object' &&
      item !== null &&
      'keyword' in item &&
      isSentence(item.keyword) &&
      'reason' in item &&
      isSentence(item.reason),
  );

const isSentence = (text: unknown) => typeof text === 'string' && text.trim() !== '' && isStorableText(text);

/** The review status that goes with a phase, for search in the Temporal UI. */
export function reviewStatusOf(phase: CampaignPhase): 'pending' | 'approved' | 'rejected' {
  if (phase === 'checking_policy' || phase === 'in_review') return 'pending';
  return phase === 'rejected' ? 'rejected' : 'approved';
}
