import { STATEMENTS, type StatementSpec } from '../flink/statements.js';

/** A mistake of the person at the terminal, told as one line. */
export class UsageError extends Error {}

const NAMES = STATEMENTS.map((spec) => spec.name).join(', ');

/** The statement of this name. Throws `UsageError` with the names that there are. */
export function statementNamed(name: string | undefined): StatementSpec {
  if (name === undefined) throw new UsageError(`which statement? One of: ${NAMES}`);
  const spec = STATEMENTS.find((statement) => statement.name === name);
  if (spec === undefined) throw new UsageError(`unknown statement: ${name}. One of: ${NAMES}`);
  return spec;
}

export const statementsNamed = (name: string | undefined): readonly StatementSpec[] =>
  name === undefined ? STATEMENTS : [statementNamed(name)];
