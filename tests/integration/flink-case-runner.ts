import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ResultRow, SqlGatewayClient } from '../../flink/gateway-client.js';
import { readStatement, render } from '../../flink/render-statement.js';
import { COMMON_SETTINGS, connectionVariables, STATEMENTS } from '../../flink/statements.js';
import type { Config } from '../../infra/config.js';

export interface GivenRows {
  readonly campaignEvents: readonly unknown[];
  readonly adEvents: readonly unknown[];
}

export interface RankingOutcome {
  /** `<placement>:<target>` to the JSON text that would be in Redis. */
  readonly rankings: ReadonlyMap<string, string>;
  /** Campaign id to the JSON text of its acknowledgement. */
  readonly acknowledged: ReadonlyMap<string, string>;
}

const OUTCOME = `
  SELECT 'ranking' AS kind, placement || ':' || target AS k, entries AS v FROM ranking
  UNION ALL
  SELECT 'acknowledged', campaignId, acknowledgement FROM campaign_acknowledgement`;

export interface RankingRunner {
  run(given: GivenRows): Promise<RankingOutcome>;
  close(): Promise<void>;
}

/**
 * The views of rtb-ranking as they are, on files instead of topics. Each run writes the files anew, lets the query
 * go to the end of the rows, and folds its changes into what would be left in Redis.
 */
export async function openRankingRunner(
  gateway: SqlGatewayClient,
  config: Config,
  folder: string,
): Promise<RankingRunner> {
  const spec = STATEMENTS.find((statement) => statement.name === 'rtb-ranking');
  if (spec === undefined) throw new Error('rtb-ranking is not deployed any more');
  const variables = { ...spec.rules, ...connectionVariables(config, spec.name) };
  const session = await gateway.openSession({
    ...COMMON_SETTINGS,
    ...spec.settings,
    'pipeline.name': 'rtb-ranking case',
    'execution.checkpointing.interval': '1 h',
    // Only the last word counts here: a slower watermark means fewer intermediate rankings to fetch.
    'pipeline.auto-watermark-interval': '500 ms',
  });
  const fileOf = (table: string) => path.join(folder, `${table}.json`);
  const { tables, parts } = readStatement(spec.name, ['campaign_events', 'ad_events']);
  for (const [index, table] of ['campaign_events', 'ad_events'].entries()) {
    await session.execute(withFile(render(tables[index] ?? '', variables), fileOf(table)));
  }
  for (const part of parts) {
    if (!part.includes('EXECUTE STATEMENT SET')) await session.execute(render(part, variables));
  }
  return {
    close: () => session.close(),
    run: async (given) => {
      await writeRows(fileOf('campaign_events'), given.campaignEvents);
      await writeRows(fileOf('ad_events'), given.adEvents);
      const { rows } = await session.execute(OUTCOME);
      return fold(rows);
    },
  };
}

function fold(rows: readonly ResultRow[]): RankingOutcome {
  const rankings = new Map<string, string>();
  const acknowledged = new Map<string, string>();
  for (const { kind, fields } of rows) {
    const into = fields.kind === 'ranking' ? rankings : acknowledged;
    if (kind === 'DELETE' || kind === 'UPDATE_BEFORE') into.delete(String(fields.k));
    // NULL is no change, as for the sink.
    else if (fields.v !== null) into.set(String(fields.k), String(fields.v));
  }
  return { rankings, acknowledged };
}

/** The table as it is, read from a file that ends. */
export function withFile(definition: string, file: string): string {
  const connector = /\) WITH \([\s\S]*\)\s*$/;
  if (!connector.test(definition)) throw new Error(`no WITH block in: ${definition}`);
  const url = pathToFileURL(file).href;
  return definition.replace(
    connector,
    `) WITH ('connector' = 'filesystem', 'path' = '${url}', 'format' = 'json', 'json.ignore-parse-errors' = 'true')`,
  );
}

export async function writeRows(file: string, rows: readonly unknown[]): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
