import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CONVERSION_RULES } from '../domain/conversion-match.js';
import {
  askedConversionRules,
  CONVERSION_RULE_CATALOGUE,
  conversionRulesInWords,
} from '../domain/conversion-rules.js';
import { cancelReplayJob } from '../flink/conversion-replay.js';
import { type DatabasePool, openPool } from '../infra/postgres.js';
import { applyConversionReplay, undoConversionReplay } from '../operations/apply-conversion-replay.js';
import type { ReplayActor } from '../operations/begin-conversion-replay.js';
import { diffConversionReplay } from '../operations/diff-conversion-replay.js';
import { failConversionReplay } from '../operations/finish-conversion-replay.js';
import {
  type ConversionReplayRow,
  listConversionReplays,
  NO_SUCH_REPLAY,
  readConversionReplay,
  readRunningConversionReplay,
} from '../operations/read-conversion-replays.js';
import { lookAtReplay, type ReplaySight, startReplay } from './flink-replay-run.js';
import { diffCsv, diffTable, replayLine, replayText } from './flink-replay-text.js';
import { UsageError } from './flink-statement-names.js';
import type { ProcessContext } from './process.js';
import { misused, refused } from './terminal.js';

const USAGE = `usage: replay rules
       replay start --rules VERSION | [--click-window-hours N] [--no-indirect] [--latest-click]
                    [--from YYYY-MM-DD] [--to YYYY-MM-DD] [--no-wait]
       replay list
       replay status ID [--wait]
       replay diff ID [--by-advertiser] [--after KEY] [--limit N] [--csv]
       replay apply ID --yes
       replay undo ID --yes
       replay cancel ID
Add --by USER to name yourself in the audit log. docs/runbooks/conversion-replay.md tells what to do when.
`;
const LIST_LENGTH = 50;
const PAGE_LENGTH = 50;
const LOOK_EVERY_MS = 500;
const TELL_EVERY_MS = 5_000;

const OPTIONS = {
  rules: { type: 'string' },
  'click-window-hours': { type: 'string' },
  'no-indirect': { type: 'boolean' },
  'latest-click': { type: 'boolean' },
  from: { type: 'string' },
  to: { type: 'string' },
  wait: { type: 'boolean' },
  'no-wait': { type: 'boolean' },
  csv: { type: 'boolean' },
  'by-advertiser': { type: 'boolean' },
  after: { type: 'string' },
  limit: { type: 'string' },
  yes: { type: 'boolean' },
  by: { type: 'string', default: 'cli' },
} as const;

const readArgs = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });

interface Call {
  readonly context: ProcessContext;
  readonly pool: DatabasePool;
  readonly id: number | null;
  readonly options: ReturnType<typeof readArgs>['values'];
}

type Option = keyof typeof OPTIONS;
interface Command {
  /** Beside `--by`. Others are refused: who names days to `apply` must not believe that only these are applied. */
  readonly options: readonly Option[];
  readonly run: (call: Call) => Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  rules: { options: [], run: withoutReplay(tellRules) },
  start: {
    options: ['rules', 'click-window-hours', 'no-indirect', 'latest-click', 'from', 'to', 'no-wait'],
    run: withoutReplay(start),
  },
  list: { options: [], run: withoutReplay(list) },
  status: { options: ['wait'], run: withReplay(status) },
  diff: { options: ['by-advertiser', 'after', 'limit', 'csv'], run: withReplay(diff) },
  apply: { options: ['yes'], run: withReplay(apply) },
  undo: { options: ['yes'], run: withReplay(undo) },
  cancel: { options: [], run: withReplay(cancel) },
};

/**
 * `replay …`: what the kept order lines would be credited to by other rules, and showing it in reports. Throws what
 * `parseArgs` says, and `UsageError`.
 */
export async function flinkReplay(context: ProcessContext, args: readonly string[]): Promise<number> {
  if (args.length === 0 || args[0] === '--help' || args[0] === '-h') {
    tell(USAGE);
    return 0;
  }
  const { values, positionals } = readArgs(args);
  const [name = '', text, ...rest] = positionals;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const id = text === undefined ? null : Number(text);
  const isId = id === null || (Number.isInteger(id) && id > 0 && id < 2 ** 31);
  if (command === undefined || rest.length > 0 || !isId) return misused(USAGE);
  const strange = Object.keys(values).find(
    (option) => option !== 'by' && !command.options.some((known) => known === option),
  );
  if (strange !== undefined) throw new UsageError(`replay ${name} knows no --${strange}`);
  // Without the bound on statements: a replay may have millions of rows.
  const { DATABASE_URL } = context.config;
  const pool = openPool({ connectionString: DATABASE_URL, max: 2, applicationName: 'flink-replay' });
  try {
    return await command.run({ context, pool, id, options: values });
  } finally {
    await pool.end();
  }
}

function withoutReplay(act: (call: Call) => Promise<number>): Command['run'] {
  return async (call) => (call.id === null ? act(call) : misused(USAGE));
}

function withReplay(act: (call: Call, replay: ConversionReplayRow) => Promise<number>): Command['run'] {
  return async (call) => {
    if (call.id === null) return misused(USAGE);
    const replay = await readConversionReplay(call.pool, call.id);
    return replay === null ? refused(NO_SUCH_REPLAY) : act(call, replay);
  };
}

const tell = (text: string): void => {
  process.stdout.write(text);
};

const actorOf = ({ options }: Call): ReplayActor => ({
  actorId: options.by,
  actorRole: 'admin',
  via: 'cli',
});

async function tellRules(): Promise<number> {
  for (const rules of CONVERSION_RULE_CATALOGUE) {
    const deployed = rules.version === CONVERSION_RULES.version ? '  (deployed)' : '';
    tell(`${String(rules.version).padStart(3)}  ${conversionRulesInWords(rules).en}${deployed}\n`);
  }
  return 0;
}

async function start(call: Call): Promise<number> {
  const { context, pool, options } = call;
  const rules = askedConversionRules({
    version: options.rules,
    clickWindowHours: options['click-window-hours'],
    directOnly: options['no-indirect'],
    latestClick: options['latest-click'],
  });
  if (!rules.ok) return refused(rules.error);
  await settleRunning(call);
  const { from, to } = options;
  const begun = await startReplay(
    { config: context.config, log: context.log, pool },
    { rules: rules.value, from, to, ...actorOf(call) },
  );
  if (!begun.ok) return refused(begun.error);
  const { replay, isNew } = begun.value;
  tell(isNew ? '' : 'This was asked before:\n');
  tell(replayText(replay));
  if (replay.state !== 'running' || options['no-wait'] === true) return 0;
  return follow(call, replay.id);
}

/** A replay that nobody waited for is noted as ended by whoever looks next. */
async function settleRunning({ context, pool }: Call): Promise<ReplaySight | null> {
  const running = await readRunningConversionReplay(pool);
  return running === null ? null : lookAtReplay({ ...context, pool }, running);
}

async function list(call: Call): Promise<number> {
  await settleRunning(call);
  const replays = await listConversionReplays(call.pool, LIST_LENGTH);
  for (const replay of replays) tell(replayLine(replay));
  tell(`${replays.length} replays${replays.length === LIST_LENGTH ? ' (the newest)' : ''}\n`);
  return 0;
}

async function status(call: Call, replay: ConversionReplayRow): Promise<number> {
  if (call.options.wait === true) return follow(call, replay.id);
  const { replay: seen, progress } = await lookAtReplay({ ...call.context, pool: call.pool }, replay);
  tell(replayText(seen, progress));
  return seen.state === 'failed' ? 1 : 0;
}

/** Until its end. Whoever stops waiting stops nothing: the job belongs to Flink. */
async function follow({ context, pool }: Call, id: number): Promise<number> {
  let toldAt = Date.now();
  for (;;) {
    const replay = await readConversionReplay(pool, id);
    if (replay === null) return refused(NO_SUCH_REPLAY);
    const sight = await lookAtReplay({ ...context, pool }, replay);
    if (sight.replay.state !== 'running') {
      tell(replayText(sight.replay));
      return sight.replay.state === 'failed' ? 1 : 0;
    }
    if (Date.now() - toldAt >= TELL_EVERY_MS) {
      toldAt = Date.now();
      tell(`  ${sight.progress ?? ''}\n`);
    }
    await delay(LOOK_EVERY_MS);
  }
}

async function diff({ pool, options, context }: Call, replay: ConversionReplayRow): Promise<number> {
  const limit = Number(options.limit ?? PAGE_LENGTH);
  if (!Number.isInteger(limit) || limit < 1) throw new UsageError('--limit is a whole number from 1 on');
  await lookAtReplay({ ...context, pool }, replay);
  const difference = await diffConversionReplay(pool, replay.id);
  if (!difference.ok) return refused(difference.error);
  if (options.csv === true) {
    for (const line of diffCsv(difference.value)) tell(line);
    return 0;
  }
  const { after = null } = options;
  const byAdvertiser = options['by-advertiser'] === true;
  const page = diffTable(difference.value, { byAdvertiser, after, limit });
  if (page === null)
    throw new UsageError(`--after ${after}: the difference has no such row, see its first column`);
  tell(page);
  return 0;
}

async function apply(call: Call, replay: ConversionReplayRow): Promise<number> {
  await lookAtReplay({ ...call.context, pool: call.pool }, replay);
  if (call.options.yes !== true)
    return refused({
      message: `Every report would show the order lines of replay ${replay.id} by its rules; no money moves.`,
      nextStep: `Look at: replay diff ${replay.id}. Then say it again with --yes; replay undo ${replay.id} takes it back.`,
    });
  const applied = await applyConversionReplay(call.pool, { id: replay.id, ...actorOf(call) });
  if (!applied.ok) return refused(applied.error);
  tell(replayText(applied.value));
  return 0;
}

async function undo(call: Call, { id }: ConversionReplayRow): Promise<number> {
  if (call.options.yes !== true)
    return refused({
      message: `Every report would show what it showed before replay ${id} was applied.`,
      nextStep: 'Say it again with --yes.',
    });
  const undone = await undoConversionReplay(call.pool, { id, ...actorOf(call) });
  if (!undone.ok) return refused(undone.error);
  tell(replayText(undone.value));
  return 0;
}

async function cancel(call: Call, { id, state }: ConversionReplayRow): Promise<number> {
  if (state !== 'running')
    return refused({
      message: `Replay ${id} is ${state}.`,
      nextStep: 'Only a running one can be cancelled.',
    });
  const actor = actorOf(call);
  const failed = await failConversionReplay(call.pool, id, `cancelled by ${actor.actorId}`, actor);
  await cancelReplayJob(call.context.config, id);
  if (failed !== null) tell(replayText(failed));
  return 0;
}
