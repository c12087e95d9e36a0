import { randomBytes } from 'node:crypto';
import type {
  TaxInvoiceAmendment,
  TaxInvoiceDocument,
  TaxInvoiceState,
  TaxInvoiceStatusAnswer,
} from '../../../contracts/providers/tax-invoices.js';
import { businessDateOf, DAY_MS, startOfBusinessDate } from '../../../domain/business-date.js';
import { assertNever } from '../../../domain/result.js';
import { Refusal } from '../kit/answer.js';
import type { Behaviours } from '../kit/behaviours.js';
import { BoundedMap } from '../kit/bounded-map.js';
import type { WebhookEvent } from '../kit/webhooks.js';

export interface SandboxInvoice {
  readonly clientReferenceId: string;
  readonly issuanceKey: string;
  /** Of a correction: the number of the document that it corrects, and how. */
  readonly amends: { readonly ntsConfirmNumber: string; readonly kind: TaxInvoiceAmendment['kind'] } | null;
  readonly document: TaxInvoiceDocument;
  state: TaxInvoiceState;
  ntsConfirmNumber: string | null;
  rejection: Rejection | null;
  /** Asked for by the control when the document was taken in: the tax authority will say no. */
  readonly doomedBy: Rejection | null;
}

interface Rejection {
  readonly code: string;
  readonly message: string;
}

const INVOICES_KEPT = 50_000;
/** The demonstration's business clock may run ahead of real time, by which the sandbox lives. */
const MAX_AHEAD_MS = 400 * DAY_MS;
/** The tax authority's number of this provider, inside each 24-digit confirmation number. */
const PROVIDER_NUMBER = '41000042';

/** Tax invoices on their way to the tax authority: each step takes `stepMs`. Memory only. */
export class InvoiceBook {
  private readonly byReference = new BoundedMap<SandboxInvoice>(INVOICES_KEPT);
  private readonly byConfirmNumber = new BoundedMap<SandboxInvoice>(INVOICES_KEPT);
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private serial = Math.floor(Math.random() * 1e7);

  constructor(
    private readonly options: {
      readonly behaviours: Behaviours;
      readonly tell: (event: WebhookEvent) => void;
      readonly stepMs: number;
    },
  ) {}

  issue(clientReferenceId: string, document: TaxInvoiceDocument): SandboxInvoice {
    const first = this.byReference.get(clientReferenceId);
    if (first) return first;
    checkDocument(document);
    return this.take({ clientReferenceId, document, amends: null });
  }

  /** A correction of a document that the tax authority has accepted; parties are those of the original. */
  amend(clientReferenceId: string, amendment: TaxInvoiceAmendment): SandboxInvoice {
    const first = this.byReference.get(clientReferenceId);
    if (first) return first;
    const original = this.byConfirmNumber.get(amendment.originalNtsConfirmNumber);
    if (!original || original.amends !== null)
      throw new Refusal(404, 'NOT_FOUND_ORIGINAL', '당초 승인번호의 세금계산서를 찾을 수 없습니다.');
    const { originalNtsConfirmNumber: ntsConfirmNumber, kind, ...rest } = amendment;
    const { purpose, supplier, supplied } = original.document;
    const document = { ...rest, purpose, supplier, supplied };
    checkDocument(document);
    this.checkAmendment(original, amendment);
    return this.take({ clientReferenceId, document, amends: { ntsConfirmNumber, kind } });
  }

  cancel(clientReferenceId: string): void {
    const invoice = this.find(clientReferenceId);
    if (invoice.state === 'CANCELLED') return;
    if (invoice.state !== 'ISSUING' && invoice.state !== 'ISSUED')
      throw new Refusal(
        409,
        'ALREADY_SENT_TO_NTS',
        '국세청 전송 후에는 취소할 수 없습니다. 수정세금계산서를 발행하세요.',
      );
    this.enter(invoice, 'CANCELLED');
  }

  find(clientReferenceId: string): SandboxInvoice {
    const invoice = this.byReference.get(clientReferenceId);
    if (!invoice) throw new Refusal(404, 'NOT_FOUND_TAX_INVOICE', '존재하지 않는 세금계산서입니다.');
    return invoice;
  }

  list(): SandboxInvoice[] {
    return this.byReference.values();
  }

  /** One step on the way, at once. */
  advance(invoice: SandboxInvoice): void {
    switch (invoice.state) {
      case 'ISSUING':
        this.enter(invoice, 'ISSUED');
        break;
      case 'ISSUED':
        this.enter(invoice, 'NTS_PENDING');
        break;
      case 'NTS_PENDING':
        this.decide(invoice);
        break;
      case 'NTS_ACCEPTED':
      case 'NTS_REJECTED':
      case 'CANCELLED':
        break;
      default:
        assertNever(invoice.state, 'state of a tax invoice');
    }
  }

  stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private take(input: Pick<SandboxInvoice, 'clientReferenceId' | 'document' | 'amends'>): SandboxInvoice {
    const invoice: SandboxInvoice = {
      ...input,
      issuanceKey: `iss_${randomBytes(12).toString('hex')}`,
      state: 'ISSUING',
      ntsConfirmNumber: null,
      rejection: null,
      doomedBy: this.options.behaviours.takeRejection('tax-invoices'),
    };
    this.byReference.set(invoice.clientReferenceId, invoice);
    this.scheduleStep(invoice);
    return invoice;
  }

  private decide(invoice: SandboxInvoice): void {
    if (invoice.doomedBy) {
      invoice.rejection = invoice.doomedBy;
      this.enter(invoice, 'NTS_REJECTED');
      return;
    }
    this.serial += 1;
    const day = businessDateOf(Date.now()).replaceAll('-', '');
    invoice.ntsConfirmNumber = `${day}${PROVIDER_NUMBER}${String(this.serial).padStart(8, '0')}`;
    this.byConfirmNumber.set(invoice.ntsConfirmNumber, invoice);
    this.enter(invoice, 'NTS_ACCEPTED');
  }

  private enter(invoice: SandboxInvoice, state: TaxInvoiceState): void {
    invoice.state = state;
    this.options.tell({ eventType: 'TAX_INVOICE_STATUS_CHANGED', data: renderStatus(invoice) });
    this.scheduleStep(invoice);
  }

  private scheduleStep(invoice: SandboxInvoice): void {
    const { clientReferenceId } = invoice;
    clearTimeout(this.timers.get(clientReferenceId));
    this.timers.delete(clientReferenceId);
    if (!['ISSUING', 'ISSUED', 'NTS_PENDING'].includes(invoice.state)) return;
    const stepMs = this.options.behaviours.of('tax-invoices').stepMs ?? this.options.stepMs;
    const timer = setTimeout(() => this.advance(invoice), stepMs);
    timer.unref();
    this.timers.set(clientReferenceId, timer);
  }

  /** All corrections of a document together never turn it negative; a termination takes back exactly what is left. */
  private checkAmendment(original: SandboxInvoice, { kind, totalAmount }: TaxInvoiceAmendment): void {
    const earlier = this.list().filter(
      (invoice) =>
        invoice.amends?.ntsConfirmNumber === original.ntsConfirmNumber &&
        invoice.state !== 'CANCELLED' &&
        invoice.state !== 'NTS_REJECTED',
    );
    if (earlier.some((invoice) => invoice.amends?.kind === 'CONTRACT_TERMINATION'))
      throw new Refusal(409, 'ALREADY_TERMINATED', '이미 계약의 해제로 수정된 세금계산서입니다.');
    const left = earlier.reduce((sum, one) => sum + one.document.totalAmount, original.document.totalAmount);
    if (kind === 'CONTRACT_TERMINATION' ? totalAmount !== -left : left + totalAmount < 0 || totalAmount === 0)
      throw new Refusal(400, 'INVALID_AMENDMENT_AMOUNT', `수정 금액이 남은 금액 ${left}원과 맞지 않습니다.`);
  }
}

export const renderStatus = (invoice: SandboxInvoice): TaxInvoiceStatusAnswer => ({
  clientReferenceId: invoice.clientReferenceId,
  issuanceKey: invoice.issuanceKey,
  state: invoice.state,
  ntsConfirmNumber: invoice.ntsConfirmNumber,
  rejection: invoice.rejection,
});

function checkDocument(document: TaxInvoiceDocument): void {
  const { items, supplyCostTotal, taxTotal, totalAmount } = document;
  const supply = items.reduce((sum, item) => sum + item.supplyCost, 0);
  const tax = items.reduce((sum, item) => sum + item.tax, 0);
  if (supply !== supplyCostTotal || tax !== taxTotal || supply + tax !== totalAmount)
    throw new Refusal(400, 'INVALID_AMOUNT', '공급가액과 세액의 합이 합계금액과 일치하지 않습니다.');
  if (document.supplier.identificationNumber === document.supplied.identificationNumber)
    throw new Refusal(400, 'SAME_PARTY', '공급자와 공급받는자가 같습니다.');
  if (startOfBusinessDate(document.date) > Date.now() + MAX_AHEAD_MS)
    throw new Refusal(400, 'INVALID_WRITE_DATE', '작성일자가 미래입니다.');
}
