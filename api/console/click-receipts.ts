import { z } from 'zod';
import { businessDateSchema } from '../../contracts/http/business-clock.js';
import { clickReceiptSchema } from '../../contracts/http/click-receipt.js';
import { ROLES, requireOwnership } from '../../domain/access.js';
import { type BusinessDate, isBusinessDate, SEOUL_OFFSET_MS } from '../../domain/business-date.js';
import { isClickId } from '../../domain/click-id.js';
import { explainPrice, priceBasisOf } from '../../domain/click-receipt.js';
import { explainDecision, invoicingOf } from '../../domain/click-receipt-texts.js';
import { err, type Failure, invariant } from '../../domain/result.js';
import { taxInvoiceDates } from '../../domain/tax-month.js';
import {
  type AdvertiserClickRow,
  type ClickFilter,
  listAdvertiserClicks,
} from '../../operations/read-advertiser-money.js';
import {
  type ClickReceipt,
  type ReceiptConversion,
  type ReceiptSettlement,
  readClickReceipt,
} from '../../operations/read-click-receipt.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { clickFilterShape, toClickBody } from './advertiser-money.js';
import { advertiserParamsSchema, findOwnAdvertiser } from './advertisers.js';
import type { ConsoleDeps } from './deps.js';
import { sendCsv } from './settlement-csv.js';

type ReceiptBody = z.input<typeof clickReceiptSchema>;

/** The same for a click of somebody else: ids cannot be probed. */
const NO_SUCH_CLICK: Failure = {
  code: 'click_not_found',
  message: 'There is no decided click with this id, or it is not yours.',
  nextStep:
    'A click is decided within seconds of its report: ask again, or find it with GET /v1/advertisers/{id}/clicks.',
};

export function clickReceiptRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [receiptRoute(deps), clicksCsvRoute(deps)];
}

function receiptRoute({ pool }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/clicks/{clickId}/receipt',
    summary:
      'All that became of one click: why this price, what was charged, and where it stands in the books.',
    description:
      'Served, priced, charged or not and why, taken back, bought, settled, invoiced. Advertisers see their own clicks.',
    tags: ['Money'],
    access: { roles: [...ROLES] },
    params: z.object({ clickId: z.string().refine(isClickId, 'not a click id') }),
    responses: { 200: { description: 'The receipt.', schema: clickReceiptSchema } },
    handler: async ({ params, actor }) => {
      if (!isClickId(params.clickId)) return err(NO_SUCH_CLICK);
      const receipt = await readClickReceipt(pool, params.clickId);
      const own = requireOwnership(actor, receipt, ({ click }) => click.advertiserId, 'click');
      return own.ok ? { status: 200, body: toReceiptBody(own.value) } : err(NO_SUCH_CLICK);
    },
  });
}

const CSV_COLUMNS = [
  'clickId',
  'clickedAt',
  'bookedAt',
  'campaignId',
  'adId',
  'productId',
  'placement',
  'slot',
  'outcome',
  'reason',
  'tokenPriceKrw',
  'chargedKrw',
  'cashKrw',
  'promoKrw',
  'reversed',
] as const;
const ROWS_PER_READ = 1_000;

/** One day at a time: the file is as long as the day had clicks, and needs the memory of one read. */
function clicksCsvRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/clicks.csv',
    summary: 'The clicks of a day as a file for a spreadsheet, times in Korea.',
    tags: ['Money'],
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    query: z.object({ ...clickFilterShape, date: businessDateSchema }),
    responses: { 200: { description: 'UTF-8 with a byte order mark.', contentType: 'text/csv' } },
    handler: async ({ params, query, actor, res }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const { date, ...filter } = query;
      invariant(isBusinessDate(date), `not a date: ${date}`);
      const question = { ...filter, date, advertiserId: params.id, limit: ROWS_PER_READ };
      // Read before the head is sent: an outage is still told as such.
      const first = await listAdvertiserClicks(deps.pool, { ...question, before: null });
      const about = ['# 클릭 내역', date, advertiser.value.name];
      const file = { name: `clicks-${date}.csv`, about, columns: CSV_COLUMNS };
      return sendCsv(res, file, everyClick(deps, question, first));
    },
  });
}

async function* everyClick(
  { pool }: Pick<ConsoleDeps, 'pool'>,
  question: Omit<ClickFilter, 'before'>,
  first: readonly AdvertiserClickRow[],
) {
  let rows = first;
  for (;;) {
    const page = rows.slice(0, question.limit);
    for (const row of page) yield csvRow(row);
    const last = page.at(-1);
    if (last === undefined || rows.length <= question.limit) return;
    const before = [last.bookedAt.getTime(), last.clickId] as const;
    rows = await listAdvertiserClicks(pool, { ...question, before });
  }
}

function csvRow(row: AdvertiserClickRow) {
  return {
    ...toClickBody(row),
    clickedAt: inKorea(row.clickedAt),
    bookedAt: inKorea(row.bookedAt),
    reason: row.reason ?? '',
    reversed: row.reversed ? 'reversed' : '',
  };
}

/** The file is of a Korean day: a reader finds no times of the day before in it. */
const inKorea = (at: Date) => new Date(at.getTime() + SEOUL_OFFSET_MS).toISOString().replace('Z', '+09:00');

function toReceiptBody(receipt: ClickReceipt): ReceiptBody {
  const { click } = receipt;
  return {
    clickId: click.clickId,
    advertiserId: click.advertiserId,
    served: {
      requestId: click.requestId,
      servedAt: click.tokenIssuedAt.toISOString(),
      placement: click.placement,
      slot: click.slot,
      adId: click.adId,
      productId: click.productId,
      productName: click.productName,
      campaignId: click.campaignId,
      campaignName: click.campaignName,
    },
    clickedAt: click.clickedAt.toISOString(),
    recordedAt: click.recordedAt.toISOString(),
    price: priceBody(receipt),
    charge: chargeBody(receipt),
    reversal: reversalBody(receipt),
    conversions: conversionsBody(receipt.conversions),
    settlement: settlementBody(click.bookedDate, receipt.settlement),
    taxInvoice: taxInvoiceBody(receipt),
  };
}

function priceBody({ click, bidsKrw }: ClickReceipt): ReceiptBody['price'] {
  const { parametersVersion, ...reason } = click.priceReason;
  const facts = { ...reason, priceKrw: click.tokenPriceKrw };
  const { rule, basis, scoreAtPrice, explanation } = explainPrice(facts, priceBasisOf(facts, bidsKrw));
  return {
    ...facts,
    parametersVersion,
    rule,
    maxCpcKrw: basis?.maxCpcKrw ?? null,
    predictedCtrPpm: basis?.predictedCtrPpm ?? null,
    scoreAtPrice,
    explanation,
  };
}

function chargeBody({ click, lots, booking }: ClickReceipt): ReceiptBody['charge'] {
  return {
    outcome: click.outcome,
    reason: click.reason,
    explanation: explainDecision(click),
    rulesVersion: click.rulesVersion,
    chargedKrw: click.chargedKrw,
    cashKrw: click.cashKrw,
    promoKrw: click.promoKrw,
    promoLots: lots.map((lot) => ({ ...lot, expiresAt: lot.expiresAt.toISOString() })),
    bookedAt: click.bookedAt.toISOString(),
    bookedDate: click.bookedDate,
    booking: booking === null ? null : { ...booking, entries: [...booking.entries] },
  };
}

function reversalBody({ reversal }: ClickReceipt): ReceiptBody['reversal'] {
  if (reversal === null) return null;
  const { booking, settlement, bookedAt, ...taken } = reversal;
  return {
    ...taken,
    bookedAt: bookedAt.toISOString(),
    booking: { ...booking, entries: [...booking.entries] },
    settlement: settlementBody(booking.bookedDate, settlement),
  };
}

function conversionsBody(rows: readonly ReceiptConversion[]): ReceiptBody['conversions'] {
  const kept = rows.filter((row) => row.reversedAtMs === null);
  return {
    direct: kept.filter((row) => row.match === 'direct').length,
    indirect: kept.filter((row) => row.match === 'indirect').length,
    conversionValueKrw: kept.reduce((sum, row) => sum + row.conversionValueKrw, 0),
    cancelled: rows.length - kept.length,
    items: rows.map(({ convertedAtMs, reversedAtMs, ...row }) => ({
      ...row,
      convertedAt: new Date(convertedAtMs).toISOString(),
      reversedAt: reversedAtMs === null ? null : new Date(reversedAtMs).toISOString(),
    })),
  };
}

function settlementBody(
  businessDate: BusinessDate,
  settlement: ReceiptSettlement | null,
): ReceiptBody['settlement'] {
  return {
    businessDate,
    state: settlement === null ? 'not_settled_yet' : 'settled',
    runNo: settlement?.runNo ?? null,
    settledAt: settlement?.settledAt.toISOString() ?? null,
    linesHash: settlement?.linesHash ?? null,
    line: settlement?.line ?? null,
  };
}

function taxInvoiceBody({ click, reversal, month, documents }: ClickReceipt) {
  const { chargedKrw, cashKrw, promoKrw } = click;
  const original = documents.find(({ seq }) => seq === 0);
  const invoicing = invoicingOf({
    month,
    chargedKrw,
    cashKrw,
    promoKrw,
    reversedAtMs: reversal?.bookedAt.getTime() ?? null,
    draftedAtMs: original?.createdAt.getTime() ?? null,
  });
  const shown = invoicing.state === 'invoiced' ? documents : [];
  return {
    month,
    ...invoicing,
    plannedAt: new Date(taxInvoiceDates(month).runsAt).toISOString(),
    documents: shown.map(({ taxInvoiceId, kind, state, totalAmountKrw, writeDate, ntsConfirmNumber }) => ({
      taxInvoiceId,
      kind,
      state,
      totalAmountKrw,
      writeDate,
      ntsConfirmNumber,
    })),
  };
}
