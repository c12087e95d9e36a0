import { createHash } from 'node:crypto';
import type { Config } from '../infra/config.js';
import type { SqlSession } from './gateway-client.js';
import {
  readStatement,
  render,
  type StatementText,
  statementHash,
  type Variables,
} from './render-statement.js';
import { COMMON_SETTINGS, connectionVariables, type FlinkConfig, type StatementSpec } from './statements.js';

export type DeployerConfig = FlinkConfig &
  Pick<Config, 'FLINK_REST_URL' | 'FLINK_SQL_GATEWAY_URL' | 'FLINK_CHECKPOINT_DIR' | 'FLINK_PARALLELISM'>;

/** Job parameters by which a job tells what it runs. */
export const PARAMETERS = {
  deployment: 'deployment-hash',
  stateVersion: 'state-version',
} as const;

/** One statement as this program would run it. */
export interface StatementJob {
  readonly spec: StatementSpec;
  readonly jobName: string;
  /** What is computed: the same in every environment. `statements/identity.json` keeps it. */
  readonly textHash: string;
  /** The same and addresses, parallelism, pace. A running job with another one is replaced; its state is kept. */
  readonly deploymentHash: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Runs every part in the session, in order. `last` may put another text in place of the part that starts the job. */
  execute(session: SqlSession, last?: (sql: string) => string): Promise<StatementExecution>;
  /** As Flink gets it, without the passwords. */
  text(): string;
}

export interface StatementExecution {
  readonly jobId: string | undefined;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export type ReadText = (spec: StatementSpec) => StatementText;
const fromFiles: ReadText = (spec) => readStatement(spec.name, spec.tables);

export function statementJob(
  spec: StatementSpec,
  config: DeployerConfig,
  readText: ReadText = fromFiles,
): StatementJob {
  const text = readText(spec);
  const variables = { ...spec.rules, ...connectionVariables(config, spec.name) };
  const jobName = `${config.TOPIC_PREFIX}${spec.name}`;
  const settings = {
    ...COMMON_SETTINGS,
    ...spec.settings,
    'parallelism.default': String(config.FLINK_PARALLELISM),
    'pipeline.name': jobName,
  };
  const parts = [...text.tables, ...text.parts];
  const shown = parts.map((part) => render(part, withoutSecrets(variables)));
  return {
    spec,
    jobName,
    settings,
    textHash: statementHash(text, spec.rules, settings),
    deploymentHash: hashOf([...shown.map(withoutComments), JSON.stringify(Object.entries(settings).sort())]),
    text: () => shown.join('\n;\n'),
    execute: async (session, last = (sql) => sql) => {
      let jobId: string | undefined;
      let rows: StatementExecution['rows'] = [];
      for (const [index, part] of parts.entries()) {
        const sql = render(part, variables);
        const result = await session.execute(index === parts.length - 1 ? last(sql) : sql);
        jobId = result.jobId ?? jobId;
        rows = result.rows.map((row) => row.fields);
      }
      return { jobId, rows };
    },
  };
}

const withoutComments = (sql: string) => sql.replace(/^\s*--.*\n?/gm, '');

/** Hashes are shown in Flink's console: a password must not be guessed from one. */
function withoutSecrets(variables: Variables): Variables {
  const shown = Object.entries(variables).map(([name, value]) => [
    name,
    name.endsWith('_PASSWORD') ? '***' : withoutPassword(value),
  ]);
  return Object.fromEntries(shown);
}

/** An address may carry it before the host, or as a parameter. */
const withoutPassword = (value: string) =>
  value.replace(/(\w+:\/\/[^:@/\s]*):[^@/\s]*@/g, '$1:***@').replace(/([?&]password)=[^&\s]*/gi, '$1=***');

function hashOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text).update('\0');
  return hash.digest('hex').slice(0, 16);
}
