import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  ADVERTISER_ONBOARDING,
  type AdvertiserOnboardingInput,
  type AdvertiserOnboardingState,
  advertiserOnboardingWorkflowId,
  type OnboardingAnswer,
  type OnboardingReviewCommand,
} from '../contracts/temporal/advertiser-onboarding.js';
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../contracts/temporal/campaign-lifecycle.js';
import { err, type Result } from '../domain/result.js';
import type { DatabasePool } from '../infra/postgres.js';
import { reached, sentence } from './workflow-call.js';

const NOBODY_WAITS = 'The application is not in review.';

/** How long a console waits for Temporal before it tells the person to try again. */
const CALL_TIMEOUT_MS = 10_000;
const QUERY_TIMEOUT_MS = 2_000;

const advertiserKey = defineSearchAttributeKey(SEARCH_ATTRIBUTES.advertiserId, SearchAttributeType.KEYWORD);

/**
 * Starts the onboarding, or tells one that waits with a rejection that a new version was submitted. Sent twice it
 * does the same: a version that was checked already is no news.
 */
export async function submitAdvertiserOnboarding(
  client: Client,
  application: { readonly advertiserId: string; readonly version: number },
): Promise<Result<null>> {
  const { advertiserId, version } = application;
  return reached(NOBODY_WAITS, async () => {
    await client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      client.workflow.signalWithStart(ADVERTISER_ONBOARDING.workflowType, {
        workflowId: advertiserOnboardingWorkflowId(advertiserId),
        taskQueue: TASK_QUEUES.business,
        args: [{ advertiserId }] satisfies [AdvertiserOnboardingInput],
        typedSearchAttributes: [{ key: advertiserKey, value: advertiserId }],
        staticSummary: `Onboarding of ${advertiserId}`,
        signal: ADVERTISER_ONBOARDING.submitted,
        signalArgs: [version],
      }),
    );
    return null;
  });
}

/**
 * Sends a decision and waits for its answer. The command id makes it safe to repeat. Failures: `wrong_status` (not
 * in review, or not a decision), `command_refused` (this person may not), `dependency_unavailable`.
 */
export async function decideOnApplication(
  client: Client,
  advertiserId: string,
  command: OnboardingReviewCommand,
): Promise<Result<OnboardingAnswer>> {
  const handle = client.workflow.getHandle(advertiserOnboardingWorkflowId(advertiserId));
  const sent = await reached(NOBODY_WAITS, () =>
    client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      handle.executeUpdate<OnboardingAnswer, [OnboardingReviewCommand]>(ADVERTISER_ONBOARDING.submitReview, {
        args: [command],
        updateId: command.commandId,
      }),
    ),
  );
  if (!sent.ok || sent.value.accepted) return sent;
  return err({ code: 'command_refused', message: sentence(sent.value.why ?? 'the decision was refused') });
}

/** What the onboarding says about itself; a failure when there is none or nobody answers. */
export async function queryAdvertiserOnboarding(
  client: Client,
  advertiserId: string,
): Promise<Result<AdvertiserOnboardingState>> {
  const handle = client.workflow.getHandle(advertiserOnboardingWorkflowId(advertiserId));
  return reached(NOBODY_WAITS, () =>
    client.connection.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
      handle.query<AdvertiserOnboardingState>(ADVERTISER_ONBOARDING.state),
    ),
  );
}

/** The business clock has moved: every application that waits plans its deadline again. Returns how many were told. */
export async function tellApplicationsThatClockMoved(pool: DatabasePool, client: Client): Promise<number> {
  const { rows } = await pool.query<{ advertiserId: string }>(
    `SELECT advertiser_id AS "advertiserId" FROM advertiser_application WHERE status IN ('in_review', 'rejected')`,
  );
  let told = 0;
  for (const { advertiserId } of rows) {
    const handle = client.workflow.getHandle(advertiserOnboardingWorkflowId(advertiserId));
    const sent = await reached(NOBODY_WAITS, async () => {
      await client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
        handle.signal(ADVERTISER_ONBOARDING.clockMoved),
      );
      return null;
    });
    if (sent.ok) told += 1;
    else if (sent.error.code === 'dependency_unavailable') break;
  }
  return told;
}

/** A submission is given this long to reach Temporal by itself. */
const STRANDED_AFTER_SECONDS = 60;

/**
 * Applications that were submitted while Temporal was away, and those whose run came to a bad end. One whose check is
 * only slow (the registry is away) is left alone. Throws when Temporal does not answer. Returns whom it told.
 */
export async function submitStrandedApplications(pool: DatabasePool, client: Client): Promise<string[]> {
  const { rows } = await pool.query<{ advertiserId: string; version: number }>(
    `SELECT advertiser_id AS "advertiserId", version FROM advertiser_application
      WHERE status = 'submitted' AND updated_at < business_now() - make_interval(secs => $1)
      ORDER BY updated_at LIMIT 200`,
    [STRANDED_AFTER_SECONDS],
  );
  const told: string[] = [];
  for (const application of rows) {
    if (await isChecking(client, application.advertiserId)) continue;
    const sent = await submitAdvertiserOnboarding(client, application);
    if (!sent.ok) throw new Error(sent.error.message);
    told.push(application.advertiserId);
  }
  return told;
}

/** A run that has ended still answers queries, so its phase alone says nothing. */
async function isChecking(client: Client, advertiserId: string): Promise<boolean> {
  const handle = client.workflow.getHandle(advertiserOnboardingWorkflowId(advertiserId));
  const description = await reached(NOBODY_WAITS, () =>
    client.connection.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () => handle.describe()),
  );
  if (!description.ok || description.value.status.name !== 'RUNNING') return false;
  const state = await queryAdvertiserOnboarding(client, advertiserId);
  return state.ok && state.value.phase === 'checking';
}
