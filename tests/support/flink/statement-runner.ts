import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ResultRow, SqlGatewayClient, SqlSession } from '../../../flink/gateway-client.js';
import { readStatement, render } from '../../../flink/render-statement.js';
import { COMMON_SETTINGS, connectionVariables, STATEMENTS } from '../../../flink/statements.js';
import type { Config } from '../../../infra/config.js';

export interface StatementRunner {
  /** Writes the rows of each source, lets the query read them to their end, and gives every change it made. */
  run(given: Readonly<Record<string, readonly unknown[]>>, query: string): Promise<readonly ResultRow[]>;
  session: SqlSession;
  variables: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** A column that only Kafka has: in a file it is an ordinary one, missing from every row. */
const KAFKA_METADATA = /METADATA(?: FROM '\w+')? VIRTUAL/g;

/** The views of one statement as they are, on files (`sources`) instead of topics, and without its sinks. */
export async function openStatementRunner(
  gateway: SqlGatewayClient,
  config: Config,
  name: string,
  sources: readonly string[],
  folder: string,
): Promise<StatementRunner> {
  const spec = STATEMENTS.find((statement) => statement.name === name);
  if (spec === undefined) throw new Error(`${name} is not deployed any more`);
  // The logs of tests lie in the past, and their early results are looked at.
  const variables = {
    ...spec.rules,
    ...connectionVariables(config, name),
    EARLY_RESULT_AGE_SECONDS: '9999999999',
  };
  const session = await gateway.openSession({
    ...COMMON_SETTINGS,
    ...spec.settings,
    'pipeline.name': `${name} case`,
    'execution.checkpointing.interval': '1 h',
    'pipeline.auto-watermark-interval': '500 ms',
  });
  const fileOf = (table: string) => path.join(folder, `${table}.json`);
  const { tables, parts } = readStatement(name, sources);
  for (const [index, table] of sources.entries()) {
    const definition = render(tables[index] ?? '', variables).replace(KAFKA_METADATA, '');
    await session.execute(withFile(definition, fileOf(table)));
  }
  for (const part of parts) {
    if (!part.includes('EXECUTE STATEMENT SET')) await session.execute(render(part, variables));
  }
  return {
    session,
    variables,
    close: () => session.close(),
    run: async (given, query) => {
      for (const table of sources) await writeRows(fileOf(table), given[table] ?? []);
      return (await session.execute(query)).rows;
    },
  };
}

/** The table as it is, read from a file that ends. */
function withFile(definition: string, file: string): string {
  const connector = /\) WITH \([\s\S]*\)\s*$/;
  if (!connector.test(definition)) throw new Error(`no WITH block in: ${definition}`);
  const url = pathToFileURL(file).href;
  return definition.replace(
    connector,
    `) WITH ('connector' = 'filesystem', 'path' = '${url}', 'format' = 'json', 'json.ignore-parse-errors' = 'true')`,
  );
}

async function writeRows(file: string, rows: readonly unknown[]): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
