import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { FLINK_FOLDER, readStatement, statementHash } from './render-statement.js';
import { COMMON_SETTINGS, STATEMENTS, type StatementSpec } from './statements.js';

const identitySchema = z.object({ stateVersion: z.number().int().positive(), textHash: z.string() });
export type Identity = z.infer<typeof identitySchema>;
const fileSchema = z.record(z.string(), identitySchema);

const file = () => path.join(FLINK_FOLDER ?? '', 'statements', 'identity.json');

/** What was decided for each statement when its text was changed last. Throws when the file is missing or damaged. */
export function acceptedIdentities(): Readonly<Record<string, Identity>> {
  return fileSchema.parse(JSON.parse(readFileSync(file(), 'utf8')));
}

/** The statement as it is now. */
export function identityOf(spec: StatementSpec): Identity {
  const text = readStatement(spec.name, spec.tables);
  return {
    stateVersion: spec.stateVersion,
    textHash: statementHash(text, spec.rules, { ...COMMON_SETTINGS, ...spec.settings }),
  };
}

export function acceptIdentity(spec: StatementSpec): Identity {
  const identity = identityOf(spec);
  const all = { ...acceptedIdentities(), [spec.name]: identity };
  const ordered = Object.fromEntries(
    STATEMENTS.flatMap(({ name }) => (all[name] === undefined ? [] : [[name, all[name]]])),
  );
  writeFileSync(file(), `${JSON.stringify(ordered, null, 2)}\n`);
  return identity;
}
