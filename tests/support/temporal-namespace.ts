import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { SEARCH_ATTRIBUTES } from '../../contracts/temporal/campaign-lifecycle.js';
import type { Config } from '../../infra/config.js';
import { poll } from './poll.js';

/** Value of `IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD` in Temporal's API. */
const KEYWORD = 2;

/** A namespace of one test file's own, ready for our search attributes. Returns how to take it away again. */
export async function createTemporalNamespace(
  config: Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE'>,
): Promise<() => Promise<void>> {
  const connection = await Connection.connect({ address: config.TEMPORAL_ADDRESS });
  const namespace = config.TEMPORAL_NAMESPACE;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const names = Object.values(SEARCH_ATTRIBUTES);
  const searchAttributes = Object.fromEntries(names.map((name) => [name, KEYWORD]));
  const succeeded = () =>
    connection.operatorService.addSearchAttributes({ namespace, searchAttributes }).then(
      () => true,
      () => false,
    );
  await poll('the namespace takes search attributes', succeeded, 30_000, 200);
  return async () => {
    await connection.operatorService.deleteNamespace({ namespace });
    await connection.close();
  };
}
