import type { DatabaseFacts } from '../../support/database-facts.js';
import { poll } from '../../support/poll.js';
import type { ProofContext } from '../proof.js';
import type { ExpectedConversion } from './expected.js';

const WRITTEN_WITHIN_MS = 60_000;

/** Row for row: every expected conversion stands in PostgreSQL exactly so, and nothing else does. */
export async function compareRows(
  { check, figure }: ProofContext,
  facts: DatabaseFacts,
  expected: readonly ExpectedConversion[],
): Promise<void> {
  const wanted = new Map(expected.map((row) => [row.orderLineId, JSON.stringify(row)]));
  let found = await readConversions(facts);
  const isThere = async () => {
    found = await readConversions(facts);
    return differences(wanted, found).length === 0 || null;
  };
  // A row is written some moments after it is decided; what is still different after that is wrong.
  await poll('the rows are written', isThere, WRITTEN_WITHIN_MS, 1_000).catch(() => null);
  const different = differences(wanted, found);
  const missing = different.filter((id) => !found.has(id));
  const unexpected = different.filter((id) => !wanted.has(id));
  const changed = different.length - missing.length - unexpected.length;
  figure('conversion_result rows', `${found.size}, expected ${wanted.size}`);
  check('no expected conversion is missing', missing.length === 0, missing.slice(0, 3).join(', '));
  check('no conversion is unexpected', unexpected.length === 0, unexpected.slice(0, 3).join(', '));
  check(
    'each row says what was expected, to the won and the millisecond',
    changed === 0,
    `${changed} differ`,
  );
  for (const id of different.slice(0, 5)) {
    figure(`expected ${id}`, wanted.get(id) ?? 'nothing');
    figure(`found    ${id}`, found.get(id) ?? 'nothing');
  }
}

function differences(wanted: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  const ids = new Set([...wanted.keys(), ...found.keys()]);
  return [...ids].filter((id) => wanted.get(id) !== found.get(id));
}

/** As text in the order of `ExpectedConversion`. */
async function readConversions(facts: DatabaseFacts): Promise<Map<string, string>> {
  const rows = await facts.rows<Record<string, string | null>>('SELECT * FROM conversion_result');
  return new Map(
    rows.map((row) => [
      String(row.order_line_id),
      JSON.stringify({
        orderLineId: row.order_line_id,
        clickId: row.click_id,
        adId: row.ad_id,
        campaignId: row.campaign_id,
        advertiserId: row.advertiser_id,
        placement: row.placement,
        productId: row.product_id,
        match: row.match,
        quantity: Number(row.quantity),
        valueKrw: Number(row.conversion_value_krw),
        clickedAt: Number(row.clicked_at_ms),
        convertedAt: Number(row.converted_at_ms),
        reversedAt: row.reversed_at_ms === null ? null : Number(row.reversed_at_ms),
      }),
    ]),
  );
}
