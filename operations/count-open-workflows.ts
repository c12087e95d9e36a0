import type { Client } from '@temporalio/client';

/** More than this many are not counted: the Temporal UI has them all. */
const COUNTED = 1_000;

/** Open workflows by type. `complete` is false when there are more than were counted. */
export async function countOpenWorkflows(
  client: Client,
): Promise<{ readonly byType: Readonly<Record<string, number>>; readonly complete: boolean }> {
  const byType: Record<string, number> = {};
  let counted = 0;
  for await (const { type } of client.workflow.list({ query: `ExecutionStatus = 'Running'` })) {
    if (counted === COUNTED) return { byType, complete: false };
    counted += 1;
    byType[type] = (byType[type] ?? 0) + 1;
  }
  return { byType, complete: true };
}
