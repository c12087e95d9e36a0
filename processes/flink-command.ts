import { FlinkError } from '../flink/gateway-client.js';
import { UsageError } from './flink-statement-names.js';
import type { ProcessContext } from './process.js';

const USAGE = `npm run flink -- <command>

status [--json]                   every statement: what is desired, what runs, lag, checkpoints, restarts, late rows
stop <statement> --yes            stop with a savepoint; it stays stopped until "start"
start [statement]                 let it run again, from its newest state (without a name: all)
savepoint [statement]             save the state of a running statement (without a name: all)
explain <statement> [--text]      Flink's plan, and what a deployment would do now (--text: the SQL itself)
replay <command>                  attribution by other rules, beside what stands (replay --help)
accept <statement>                after its text was changed: note it in flink/statements/identity.json

Runbook: docs/runbooks/flink.md`;

type Command = (context: ProcessContext, args: readonly string[]) => Promise<number>;
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  status: async () => (await import('./flink-status.js')).showStatus,
  stop: async () => (await import('./flink-start-stop.js')).stopStatement,
  start: async () => (await import('./flink-start-stop.js')).startStatements,
  savepoint: async () => (await import('./flink-savepoint.js')).savepoints,
  explain: async () => (await import('./flink-explain.js')).explain,
  replay: async () => (await import('./flink-replay.js')).flinkReplay,
  accept: async () => (await import('./flink-accept.js')).acceptText,
};

/** `flink <command>`. Exit codes: 0 done, 1 not done (Flink is down, a savepoint failed), 2 wrongly asked. */
export async function flinkCommand(context: ProcessContext, args: readonly string[]): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') return say(USAGE, 0);
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) return complain(`unknown command: ${name}\n\n${USAGE}`, 2);
  try {
    return await (await load())(context, rest);
  } catch (error) {
    if (error instanceof UsageError || isParseError(error)) return complain(error.message, 2);
    if (error instanceof FlinkError) return complain(`Flink refused: ${error.message}`, 1);
    if (isUnreachable(error)) return complain(`${addressesOf(context)}\n${causeOf(error)}`, 1);
    throw error;
  }
}

const addressesOf = ({ config }: ProcessContext) =>
  `Flink does not answer (${config.FLINK_REST_URL}, ${config.FLINK_SQL_GATEWAY_URL}). Does it run? See "npm run stack -- status".`;

function say(text: string, code: number): number {
  process.stdout.write(`${text}\n`);
  return code;
}

function complain(text: string, code: number): number {
  process.stderr.write(`${text}\n`);
  return code;
}

const isParseError = (error: unknown): error is Error =>
  error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');

/** `fetch` throws a TypeError when nobody listens, and a TimeoutError when nobody answers. */
const isUnreachable = (error: unknown): error is Error =>
  error instanceof Error && (error.message === 'fetch failed' || error.name === 'TimeoutError');

const causeOf = (error: Error) => (error.cause instanceof Error ? error.cause.message : error.message);
