import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A statement as text: the tables that it reads and writes, then its own parts, in the order of execution. */
export interface StatementText {
  readonly tables: readonly string[];
  readonly parts: readonly string[];
}

export type Variables = Readonly<Record<string, string>>;

/** The folder of the .sql files. The compiled program lies beside it (`dist/flink`), the source in it. */
export const FLINK_FOLDER = [import.meta.dirname, path.join(import.meta.dirname, '../../flink')].find(
  (folder) => existsSync(path.join(folder, 'statements')),
);

/** Reads `tables/*.sql` and `statements/<name>.sql`, unrendered. Throws when a file is missing. */
export function readStatement(name: string, tables: readonly string[]): StatementText {
  return {
    tables: tables.map(readTable),
    parts: splitParts(readSql(path.join('statements', `${name}.sql`))),
  };
}

/** `${shared <name>}` stands for `tables/shared/<name>.sql`: lines that several tables have in common. */
function readTable(table: string): string {
  const text = readSql(path.join('tables', `${table}.sql`));
  return text.replace(/\$\{shared (\w+)\}/g, (_, name: string) =>
    readSql(path.join('tables', 'shared', `${name}.sql`)),
  );
}

function readSql(file: string): string {
  if (FLINK_FOLDER === undefined) throw new Error('the folder flink/statements is missing');
  return readFileSync(path.join(FLINK_FOLDER, file), 'utf8').trim();
}

/** A line with nothing but `;` ends a part: the semicolons of a statement set stand at the ends of lines. */
export function splitParts(sql: string): string[] {
  return sql
    .split(/^;\s*$/m)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Puts the variables in. Throws on one that nobody defined: a typo must not reach Flink as text. */
export function render(template: string, variables: Variables): string {
  return template.replace(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = variables[name];
    if (value === undefined) throw new Error(`no value for \${${name}} in a Flink statement`);
    return value;
  });
}

/** Doubles the quotes, for a value inside an SQL literal. */
export const quoted = (value: string) => value.replaceAll("'", "''");

/**
 * Identity of what a statement computes, and of the shape of its state. Connection variables are left out: a broker
 * that moved is no reason to forget the state; another rule, depth, column or planner setting is.
 */
export function statementHash(text: StatementText, rules: Variables, settings: Variables): string {
  const hash = createHash('sha256');
  for (const [name, value] of Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.startsWith('table.')) hash.update(`${name}=${value}\0`);
  }
  for (const part of [...text.tables, ...text.parts]) {
    const withoutComments = part.replace(/^\s*--.*\n?/gm, '');
    hash.update(withoutComments.replace(/\$\{(\w+)\}/g, (whole, name: string) => rules[name] ?? whole));
    hash.update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}
