import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { DatabasePool } from '../infra/postgres.js';
import { tellApplicationsThatClockMoved } from './advertiser-onboarding-workflow.js';
import { tellClockMoved } from './campaign-workflow.js';

/** Signals at a time: a demonstration has tens of campaigns, a test database may have thousands. */
const AT_ONCE = 10;

/**
 * Temporal's own timers stand in real time: each campaign lifecycle reads the business clock again. Returns how many
 * were told; one that was not is told by its own next timer, and logged.
 */
export async function tellCampaignsThatClockMoved(
  pool: DatabasePool,
  client: Client,
  log: Pick<Logger, 'warn'>,
): Promise<number> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM campaign WHERE status IN ('enabled', 'paused') ORDER BY id`,
  );
  let told = 0;
  for (let start = 0; start < rows.length; start += AT_ONCE) {
    const answers = await Promise.all(
      rows
        .slice(start, start + AT_ONCE)
        .map(async ({ id }) => ({ id, answer: await tellClockMoved(client, id) })),
    );
    for (const { id, answer } of answers) {
      if (answer.ok) told += 1;
      else log.warn({ campaignId: id, error: answer.error }, 'campaign not told that the clock moved');
    }
    // Nobody answers: the others would only wait as long.
    if (answers.every(({ answer }) => !answer.ok && answer.error.code === 'dependency_unavailable')) break;
  }
  await tellApplicationsThatClockMoved(pool, client);
  return told;
}
