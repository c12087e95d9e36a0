import { conversionRulesInWords } from '../domain/conversion-rules.js';
import type { ConversionReplayDiff, ReplayDifference } from '../operations/diff-conversion-replay.js';
import type { ConversionReplayRow } from '../operations/read-conversion-replays.js';

const instant = (epochMs: number) => (epochMs === 0 ? 'its beginning' : new Date(epochMs).toISOString());
const rulesOf = ({ rules }: ConversionReplayRow) =>
  `${rules.version === 0 ? 'rules of its own' : `rules ${rules.version}`} (${conversionRulesInWords(rules).en})`;

export function replayLine(replay: ConversionReplayRow): string {
  const { id, state, fromMs, toMs, conversions } = replay;
  const found = conversions === null ? '' : `  ${conversions} conversions`;
  return `${String(id).padStart(5)}  ${state.padEnd(7)}  ${rulesOf(replay)}  ${instant(fromMs)} to ${instant(toMs)}${found}\n`;
}

export function replayText(replay: ConversionReplayRow, progress?: string): string {
  const { id, state, conversions, direct, reversed, valueKrw } = replay;
  const lines = [
    `Replay ${id}: ${state}${replay.detail === null ? '' : ` (${replay.detail})`}`,
    `  ${rulesOf(replay)}, asked for by ${replay.askedBy}`,
    `  order lines recorded from ${instant(replay.fromMs)} to ${instant(replay.toMs)}; the log begins at ${instant(replay.logFromMs)}`,
    ...(progress === undefined ? [] : [`  ${progress}`]),
    ...(conversions === null
      ? []
      : [
          `  ${conversions} conversions: ${direct} direct, ${conversions - (direct ?? 0)} indirect, ${reversed} cancelled; ${valueKrw} KRW`,
        ]),
    ...(replay.appliedAt === null || state !== 'applied'
      ? []
      : [`  shown by reports since ${replay.appliedAt.toISOString()}, by ${replay.appliedBy}`]),
  ];
  return `${lines.join('\n')}\n`;
}

const COLUMNS: readonly (readonly [title: string, key: keyof ReplayDifference])[] = [
  ['conversions_now', 'conversionsNow'],
  ['conversions_replayed', 'conversionsReplayed'],
  ['value_now_krw', 'valueNowKrw'],
  ['value_replayed_krw', 'valueReplayedKrw'],
  ['gained', 'gained'],
  ['lost', 'lost'],
  ['moved_in', 'movedIn'],
  ['moved_out', 'movedOut'],
  ['match_changed', 'matchChanged'],
  ['click_changed', 'clickChanged'],
];
const TITLES = COLUMNS.map(([title]) => title);
const cells = (row: ReplayDifference) => COLUMNS.map(([, key]) => String(row[key]));

/** A spreadsheet must not take an id for a formula. */
const cell = (text: string) => {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** Every campaign, then the sum. */
export function* diffCsv({ campaigns, totals }: ConversionReplayDiff): Generator<string> {
  yield `advertiser_id,campaign_id,${TITLES.join(',')}\r\n`;
  for (const row of campaigns)
    yield `${cell(row.advertiserId)},${cell(row.campaignId)},${cells(row).join(',')}\r\n`;
  yield `,total,${cells(totals).join(',')}\r\n`;
}

export interface DiffPage {
  readonly byAdvertiser: boolean;
  /** Only rows after the one with this key. */
  readonly after: string | null;
  readonly limit: number;
}

/** One page, in the order of keys, and the sum of all. Null: no row has the key `after`. */
export function diffTable(
  diff: ConversionReplayDiff,
  { byAdvertiser, after, limit }: DiffPage,
): string | null {
  const rows = byAdvertiser
    ? diff.advertisers.map((row) => ({ key: row.advertiserId, row }))
    : diff.campaigns.map((row) => ({ key: `${row.advertiserId}/${row.campaignId}`, row }));
  const from = after === null ? 0 : 1 + rows.findIndex(({ key }) => key === after);
  if (after !== null && from === 0) return null;
  const page = rows.slice(from, from + limit);
  const last = page.at(-1);
  const more = last !== undefined && rows.at(-1) !== last;
  const keyTitle = byAdvertiser ? 'advertiser' : 'advertiser/campaign';
  const table = [
    [keyTitle, ...TITLES],
    ...page.map(({ key, row }) => [key, ...cells(row)]),
    [`all ${rows.length}`, ...cells(diff.totals)],
  ];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = table.map((row) =>
    row
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  return `${lines.join('\n')}\n${more ? `More: --after ${last.key}\n` : ''}`;
}
