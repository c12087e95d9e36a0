import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SqlGatewayClient } from '../../flink/gateway-client.js';
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

/**
 * Runs the views of rtb-ranking as they are, on files instead of topics, to the end of the rows, and folds the
 * changes into what would be left in Redis.
 */
export async function runRanking(
  gateway: SqlGatewayClient,
  config: Config,
  folder: string,
  given: GivenRows,
): Promise<RankingOutcome> {
  const spec = STATEMENTS.find((statement) => statement.name === 'rtb-ranking');
  if (spec === undefined) throw new Error('rtb-ranking is not deployed any more');
  const variables = { ...spec.rules, ...connectionVariables(config, spec.name) };
  const sources = { campaign_events: given.campaignEvents, ad_events: given.adEvents };
  const settings = { ...COMMON_SETTINGS, ...spec.settings, 'execution.checkpointing.interval': '1 h' };

  return gateway.withSession(settings, async (session) => {
    for (const [table, rows] of Object.entries(sources)) {
      const file = await writeRows(folder, table, rows);
      const [definition] = readStatement(spec.name, [table]).tables;
      await session.execute(withFile(render(definition ?? '', variables), file));
    }
    for (const part of readStatement(spec.name, []).parts) {
      if (!part.includes('EXECUTE STATEMENT SET')) await session.execute(render(part, variables));
    }
    const { rows } = await session.execute(OUTCOME);
    const outcome = { ranking: new Map<string, string>(), acknowledged: new Map<string, string>() };
    for (const { kind, fields } of rows) {
      const into = fields.kind === 'ranking' ? outcome.ranking : outcome.acknowledged;
      if (kind === 'INSERT' || kind === 'UPDATE_AFTER') into.set(String(fields.k), String(fields.v));
      else into.delete(String(fields.k));
    }
    return { rankings: outcome.ranking, acknowledged: outcome.acknowledged };
  });
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

async function writeRows(folder: string, name: string, rows: readonly unknown[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `${name}.json`);
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}
