import { ActivityFailure } from '@temporalio/common';
import { allHandlersFinished, condition, continueAsNew, sleep, workflowInfo } from '@temporalio/workflow';
import type {
  CampaignLifecycleInput,
  CampaignLifecycleState,
} from '../contracts/temporal/campaign-lifecycle.js';
import { COMMANDS_PER_RUN, RESUBMISSION_DAYS, REVIEW_REMINDER_HOURS } from '../domain/campaign-lifecycle.js';
import { publishing, steps, watching } from './campaign-activities.js';
import { applyChange, registerHandlers } from './campaign-handlers.js';
import { CampaignRecord } from './campaign-record.js';

const HOUR_MS = 3_600_000;
/** A ranking that did not acknowledge in time is asked again this often, this many times. */
const ACKNOWLEDGEMENT_RETRY = '5 minutes';
const ACKNOWLEDGEMENT_ROUNDS = 12;

/**
 * One submitted campaign, from the automatic check to its end: the only writer of its `status` and
 * `reviewStatus`. Id `campaign:<campaignId>`. Decisions come as Updates (or as the signals `approve` and
 * `reject`), each answered at once; what was decided is then published and acknowledged by the ranking here.
 */
export async function campaignLifecycle(input: CampaignLifecycleInput): Promise<CampaignLifecycleState> {
  const record = new CampaignRecord(input);
  registerHandlers(record);
  record.describe();
  const acknowledgement = new AcknowledgementWatch(record);
  while (record.facts.phase !== 'ended') {
    switch (record.facts.phase) {
      case 'checking_policy':
        await checkPolicy(record);
        break;
      case 'in_review':
        await review(record);
        break;
      case 'rejected':
        await waitForResubmission(record);
        break;
      case 'activating':
        await activate(record);
        break;
      case 'serving':
      case 'paused':
        await serve(record, acknowledgement);
        break;
    }
  }
  await publish(record, acknowledgement);
  await acknowledgement.settled();
  await condition(allHandlersFinished);
  return record.state();
}

async function checkPolicy(record: CampaignRecord): Promise<void> {
  const { findings, version } = await steps.checkCampaignPolicy({ campaignId: record.campaignId });
  record.facts.policyFindings = findings;
  record.facts.version = version;
  record.facts.publishedVersion = version;
  record.facts.reviewReminders = 0;
  record.enter('in_review');
}

/** Waits for a decision: reminds the reviewers after the deadline, gives up when the campaign's dates are over. */
async function review(record: CampaignRecord): Promise<void> {
  const plan = await steps.planReview({ campaignId: record.campaignId });
  const expiresAt = Date.now() + plan.expiresInMs;
  let remindAt = Date.now() + plan.overdueInMs;
  const decided = () => record.facts.phase !== 'in_review';
  while (!decided()) {
    const waitMs = Math.max(1, Math.min(remindAt, expiresAt) - Date.now());
    if (await condition(decided, waitMs)) return;
    if (Date.now() >= expiresAt) {
      await record.desk.alone(() => expire(record));
      return;
    }
    record.facts.reviewReminders += 1;
    remindAt = Date.now() + REVIEW_REMINDER_HOURS * HOUR_MS;
    await steps.escalateReview({ campaignId: record.campaignId, reminder: record.facts.reviewReminders });
  }
}

async function expire(record: CampaignRecord): Promise<void> {
  if (record.facts.phase !== 'in_review') return;
  const why = 'the end date passed before a decision';
  record.resubmitted = false;
  await steps.expireReview({ campaignId: record.campaignId, why });
  record.facts.rejectionReasons = [why];
  record.enter('rejected');
}

async function waitForResubmission(record: CampaignRecord): Promise<void> {
  if (await condition(() => record.resubmitted, `${RESUBMISSION_DAYS} days`)) {
    record.resubmitted = false;
    record.enter('checking_policy');
    return;
  }
  await steps.closeRejectedCampaign({ campaignId: record.campaignId });
  record.enter('ended');
}

async function activate(record: CampaignRecord): Promise<void> {
  const { campaignId, facts } = record;
  const { version } = await steps.activateCampaign({ campaignId, expectedVersion: facts.version });
  facts.version = version;
  facts.activation = 'pending';
  record.enter('serving');
}

/** Publishes what the commands record, until the end date or until the history is long enough. */
async function serve(record: CampaignRecord, acknowledgement: AcknowledgementWatch): Promise<void> {
  const { facts } = record;
  record.clockMoved = false;
  const plan = await steps.planServing({ campaignId: record.campaignId });
  const endsAt = Date.now() + plan.endsInMs;
  const over = () => facts.phase === 'ended';
  const unpublished = () => facts.publishedVersion < facts.version;
  if (facts.publishedVersion > 0 && isOpen(facts.activation)) acknowledgement.start();
  while (!over() && !record.clockMoved) {
    await publish(record, acknowledgement);
    if (runIsLong(record)) await continueInNewRun(record);
    const waitMs = endsAt - Date.now();
    const woken =
      waitMs > 0 &&
      (await condition(() => over() || unpublished() || record.clockMoved || runIsLong(record), waitMs));
    if (!woken) await record.desk.alone(() => applyChange(record, null, { kind: 'end' }));
  }
}

const isOpen = (activation: string) => activation === 'pending' || activation === 'not_acknowledged';

/** A version that a later one overtook is never published: each event is the whole snapshot. */
async function publish(record: CampaignRecord, acknowledgement: AcknowledgementWatch): Promise<void> {
  const { facts } = record;
  while (facts.publishedVersion < facts.version) {
    const version = facts.version;
    await publishing.publishCampaignSnapshot({ campaignId: record.campaignId, version });
    facts.publishedVersion = version;
    acknowledgement.start();
  }
}

const runIsLong = (record: CampaignRecord) =>
  record.desk.taken >= COMMANDS_PER_RUN || workflowInfo().continueAsNewSuggested;

/**
 * Lets every accepted command finish, then leaves in a later task, so that no answer shares a task with the
 * end of the run. Returns when there is still something to publish, or the campaign has ended meanwhile.
 */
async function continueInNewRun(record: CampaignRecord): Promise<void> {
  do {
    await condition(allHandlersFinished);
    await sleep(1);
  } while (!allHandlersFinished());
  const { phase, publishedVersion, version } = record.facts;
  if (phase === 'ended' || publishedVersion < version) return;
  await continueAsNew<typeof campaignLifecycle>(record.carry());
}

/**
 * One question to the ranking at a time, about the newest published version. An answer about an older version
 * comes as soon as the ranking has taken in any newer one, so nothing needs to be cancelled.
 */
class AcknowledgementWatch {
  #following: Promise<void> | null = null;

  constructor(readonly record: CampaignRecord) {}

  start(): void {
    this.#following ??= this.#follow();
  }

  /** The ranking has answered about the last version, or has been asked for the last time. */
  async settled(): Promise<void> {
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { facts } = this.record;
    for (let round = 1; round <= ACKNOWLEDGEMENT_ROUNDS; round += 1) {
      const version = facts.publishedVersion;
      const activation = await this.#ask(version);
      if (facts.publishedVersion !== version) {
        round = 0;
        continue;
      }
      if (facts.version === version) facts.activation = activation;
      this.record.describe();
      if (activation !== 'not_acknowledged' || facts.phase === 'ended') break;
      await condition(
        () => facts.publishedVersion !== version || facts.phase === 'ended',
        ACKNOWLEDGEMENT_RETRY,
      );
    }
    this.#following = null;
  }

  /** Refused for good counts as not acknowledged: a ranking that cannot be asked never holds up a campaign. */
  async #ask(version: number) {
    try {
      return await watching.awaitRankingAcknowledgement({ campaignId: this.record.campaignId, version });
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return 'not_acknowledged';
    }
  }
}
