import { addKrw, type Krw, splitVat, subtractKrw, sumKrw, toKrw, ZERO_KRW } from './money.js';
import type { Month } from './tax-month.js';

/** Stored on every document: which rules computed its amounts. */
export const TAX_RULES_VERSION = 1;
/** Of the provider. */
export const MOST_ITEMS = 99;

export const TAX_DOCUMENT_STATES = [
  'DRAFT',
  'APPROVED',
  'ISSUING',
  'ISSUED',
  'NTS_PENDING',
  'NTS_ACCEPTED',
  'NTS_REJECTED',
  'CANCELLED',
] as const;
export type TaxDocumentState = (typeof TAX_DOCUMENT_STATES)[number];

/** How far a document is on its way; news of an earlier stage than the one known is old news. */
const PROGRESS: Readonly<Record<TaxDocumentState, number>> = {
  DRAFT: 0,
  APPROVED: 1,
  ISSUING: 2,
  ISSUED: 3,
  NTS_PENDING: 4,
  NTS_ACCEPTED: 5,
  NTS_REJECTED: 5,
  CANCELLED: 5,
};

export const isNews = (known: TaxDocumentState, told: TaxDocumentState) => PROGRESS[told] > PROGRESS[known];

/** Rejected is no end: a person takes the document up again. */
export const isAtItsEnd = (state: TaxDocumentState) => state === 'NTS_ACCEPTED' || state === 'CANCELLED';

export interface TaxAmounts {
  readonly supplyAmountKrw: Krw;
  readonly taxAmountKrw: Krw;
}

export interface CampaignTotal {
  readonly campaignId: string;
  readonly name: string;
  readonly totalKrw: Krw;
}

export interface TaxItem extends TaxAmounts {
  /** Null: the campaigns for which there was no line left. */
  readonly campaignId: string | null;
  readonly name: string;
}

/**
 * The lines of a document: the dearest campaigns first, what does not fit in one last line. The tax of a line is the
 * growth of the rounded tax of the running total, so that the lines add up to the document, which is rounded once.
 */
export function itemise(totals: readonly CampaignTotal[]): TaxItem[] {
  const dearest = totals
    .filter(({ totalKrw }) => totalKrw !== 0)
    .sort((a, b) => b.totalKrw - a.totalKrw || (a.campaignId < b.campaignId ? -1 : 1));
  const own = dearest.length <= MOST_ITEMS ? dearest : dearest.slice(0, MOST_ITEMS - 1);
  const rest = dearest.slice(own.length);
  const restKrw = sumKrw(rest.map(({ totalKrw }) => totalKrw));
  const lines = [
    ...own,
    ...(rest.length === 0
      ? []
      : [{ campaignId: null, name: `그 외 캠페인 ${rest.length}건`, totalKrw: restKrw }]),
  ];
  let running = ZERO_KRW;
  return lines.map(({ campaignId, name, totalKrw }) => {
    const taxBefore = splitVat(running).taxAmountKrw;
    running = addKrw(running, totalKrw);
    const taxAmountKrw = subtractKrw(splitVat(running).taxAmountKrw, taxBefore);
    return { campaignId, name, supplyAmountKrw: subtractKrw(totalKrw, taxAmountKrw), taxAmountKrw };
  });
}

/**
 * What a correction document must say so that all documents together say `split(new total)`. Splitting the difference
 * alone would be a won off in a quarter of the cases.
 */
export function correctionOf(
  newTotalKrw: Krw,
  issued: readonly TaxAmounts[],
): TaxAmounts & { totalKrw: Krw } {
  const target = splitVat(newTotalKrw);
  const supplyAmountKrw = subtractKrw(
    target.supplyAmountKrw,
    sumKrw(issued.map((one) => one.supplyAmountKrw)),
  );
  const taxAmountKrw = subtractKrw(target.taxAmountKrw, sumKrw(issued.map((one) => one.taxAmountKrw)));
  return { supplyAmountKrw, taxAmountKrw, totalKrw: addKrw(supplyAmountKrw, taxAmountKrw) };
}

export const taxInvoiceIdOf = (advertiserId: string, month: Month, seq: number) =>
  `${advertiserId}:${month}:${seq}`;

const LONGEST_ADVERTISER_PART = 48;

/** Our name of a document at the provider (64 characters); each attempt after a rejection is a new document there. */
export function clientReferenceIdOf(
  advertiserId: string,
  month: Month,
  seq: number,
  attempt: number,
): string {
  return `${advertiserId.slice(-LONGEST_ADVERTISER_PART)}-${month}-${seq}-${attempt}`;
}

/** Supplier and buyer as the document names them. */
export interface TaxParty {
  readonly businessNumber: string;
  readonly name: string;
  readonly representative: string;
  readonly address: string;
  readonly businessType: string;
  readonly businessItem: string;
  readonly email: string;
}

export const toAmounts = (row: { supplyAmountKrw: number; taxAmountKrw: number }): TaxAmounts => ({
  supplyAmountKrw: toKrw(row.supplyAmountKrw),
  taxAmountKrw: toKrw(row.taxAmountKrw),
});
