import { expect, it } from 'vitest';
import { acceptedIdentities, identityOf } from './statement-identity.js';
import { STATEMENTS } from './statements.js';

it.each(STATEMENTS)('$name: whoever changed its text has decided what becomes of its state', (spec) => {
  const accepted = acceptedIdentities()[spec.name];
  const identity = identityOf(spec);
  const decide = `The text of ${spec.name} (its SQL, tables, rules or planner settings) is not the one that was accepted.
Decide, with the table of docs/adr/0015-what-becomes-of-the-state.md:
- the state fits (a constant, an expression, a connection): leave stateVersion in flink/statements.ts as it is;
- it does not fit, or the past shall be computed anew: raise stateVersion, and the statement reads the log from its start.
Then: npx tsx processes/main.ts flink accept ${spec.name}`;
  expect(accepted, decide).toEqual(identity);
});

it('a state version never falls', () => {
  for (const spec of STATEMENTS)
    expect(spec.stateVersion).toBeGreaterThanOrEqual(acceptedIdentities()[spec.name]?.stateVersion ?? 1);
});
