import { acceptedIdentities, acceptIdentity } from '../flink/statement-identity.js';
import { statementNamed } from './flink-statement-names.js';
import type { ProcessContext } from './process.js';

/** `accept <statement>`: notes the text and the state version that were decided for it, in the source folder. */
export async function acceptText(_: ProcessContext, args: readonly string[]): Promise<number> {
  const spec = statementNamed(args[0]);
  const before = acceptedIdentities()[spec.name];
  const now = acceptIdentity(spec);
  const what =
    before?.textHash === now.textHash && before.stateVersion === now.stateVersion
      ? 'unchanged'
      : before !== undefined && before.stateVersion !== now.stateVersion
        ? `state version ${before.stateVersion} -> ${now.stateVersion}: it will be computed from the log`
        : `state version ${now.stateVersion} as before: the running job's state is kept`;
  process.stdout.write(`${spec.name}: ${before?.textHash ?? 'new'} -> ${now.textHash}; ${what}\n`);
  return 0;
}
