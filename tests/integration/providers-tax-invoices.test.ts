import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addDays, businessDateOf } from '../../domain/business-date.js';
import {
  createTaxInvoiceProvider,
  type TaxInvoiceIssueRequest,
  type TaxInvoiceProvider,
  type TaxInvoiceState,
} from '../../infra/tax-invoice-provider.js';
import { poll } from '../support/poll.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';

let sandbox: TestSandbox;
let invoices: TaxInvoiceProvider;

beforeAll(async () => {
  sandbox = await startSandbox();
  invoices = createTaxInvoiceProvider(sandbox.config);
});
afterEach(() => sandbox.behaviour('tax-invoices', {}));
afterAll(() => sandbox.stop());

const TODAY = businessDateOf(Date.now());
const refusedAs = (code: string) => ({ ok: false, error: { code } });
const party = (businessNumber: string, name: string) => ({
  businessNumber,
  name,
  representative: '김대표',
  address: '서울특별시 중구 세종대로 1',
  businessType: '서비스업',
  businessItem: '광고 대행',
  email: 'tax@sellers.example',
});
const supplier = party('124-81-00998', '광고센터');
const item = (supplyAmountKrw: number, taxAmountKrw: number) => ({
  date: TODAY,
  name: '광고비',
  supplyAmountKrw,
  taxAmountKrw,
});

const newRequest = (changes: Partial<TaxInvoiceIssueRequest> = {}): TaxInvoiceIssueRequest => ({
  clientReferenceId: `inv-${randomUUID()}`,
  writeDate: TODAY,
  purpose: 'RECEIPT',
  supplier,
  supplied: party('220-81-62517', '가온상사'),
  items: [item(100_000, 10_000)],
  description: '',
  ...changes,
});

const stateIs = (clientReferenceId: string, state: TaxInvoiceState) =>
  poll(`${clientReferenceId} is ${state}`, async () => {
    const status = await invoices.readStatus(clientReferenceId);
    return status.ok && status.value.state === state ? status.value : null;
  });

async function accepted(request = newRequest()) {
  const issued = await invoices.issue(request);
  expect(issued).toMatchObject({ ok: true });
  const { ntsConfirmNumber } = await stateIs(request.clientReferenceId, 'NTS_ACCEPTED');
  return ntsConfirmNumber ?? '';
}

const amendment = (originalNtsConfirmNumber: string, supplyKrw: number, taxKrw: number) => ({
  clientReferenceId: `amd-${randomUUID()}`,
  originalNtsConfirmNumber,
  kind: 'SUPPLY_PRICE_CHANGE' as const,
  writeDate: TODAY,
  items: [item(supplyKrw, taxKrw)],
  description: '무효 클릭 환급',
});

describe('issuing', () => {
  it('ends with a 24-digit number of the tax authority', async () => {
    expect(await accepted()).toMatch(/^\d{24}$/);
  });

  it('a repeat gives the first answer and no second document', async () => {
    const request = newRequest();
    const first = await invoices.issue(request);
    const other = { ...request, items: [item(200_000, 20_000)] };
    expect(await invoices.issue(other)).toEqual(first);
    const documents = (await sandbox.taxInvoices()).filter(
      ({ clientReferenceId }) => clientReferenceId === request.clientReferenceId,
    );
    expect(documents.map(({ document }) => document.totalAmount)).toEqual([110_000]);
  });

  it('an answer that was lost is found again', async () => {
    const request = newRequest();
    await sandbox.behaviour('tax-invoices', { dropConnectionNext: 1 });
    await expect(invoices.issue(request)).rejects.toMatchObject({ name: 'ProviderUnavailable' });
    const again = await invoices.issue(request);
    const status = await invoices.readStatus(request.clientReferenceId);
    expect(again).toMatchObject({ ok: true });
    expect(status).toMatchObject({ ok: true, value: again.ok ? again.value : {} });
  });

  it('refuses what a provider refuses, and keeps nothing of it', async () => {
    const kept = (await sandbox.taxInvoices()).length;
    const refuse = async (changes: Partial<TaxInvoiceIssueRequest>, code: string) =>
      expect(await invoices.issue(newRequest(changes))).toMatchObject(refusedAs(code));
    await refuse({ supplied: party('123-45-67890', '잘못된 번호') }, 'invalid_request');
    await refuse({ supplied: supplier }, 'same_party');
    await refuse({ writeDate: addDays(TODAY, 402) }, 'invalid_write_date');
    await refuse({ items: [] }, 'invalid_request');
    await refuse({ items: Array.from({ length: 100 }, () => item(1_000, 100)) }, 'invalid_request');
    await refuse({ items: [item(1_000.5, 100)] }, 'invalid_request');
    await refuse({ clientReferenceId: 'a b' }, 'invalid_request');
    expect(await invoices.readStatus('inv-unknown')).toMatchObject(refusedAs('not_found_tax_invoice'));
    expect((await sandbox.taxInvoices()).length).toBe(kept);
  });

  it('compares the amounts of the document with those of its items', async () => {
    const body = {
      date: TODAY,
      purpose: 'CLAIM',
      ...Object.fromEntries(
        ['supplier', 'supplied'].map((name, index) => [
          name,
          {
            identificationNumber: ['1248100998', '2208162517'][index],
            organizationName: name,
            representativeName: '김대표',
            address: '',
            businessType: '',
            businessItem: '',
            email: 'tax@sellers.example',
          },
        ]),
      ),
      items: [{ date: TODAY, name: '광고비', supplyCost: 100_000, tax: 10_000 }],
      supplyCostTotal: 100_000,
      taxTotal: 10_000,
      totalAmount: 110_001,
      description: '',
    };
    const response = await fetch(`${sandbox.config.TAX_INVOICE_PROVIDER_URL}/v1/taxInvoices/issue`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${sandbox.config.TAX_INVOICE_API_KEY}:`)}`,
        'content-type': 'application/json',
        'customer-key': 'test',
        'client-reference-id': `inv-${randomUUID()}`,
      },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'INVALID_AMOUNT' });
  });

  it('may be rejected by the tax authority, with its reason', async () => {
    await sandbox.behaviour('tax-invoices', {
      rejectNext: { code: 'ERR001', message: '공급받는자 사업자번호 오류', times: 1 },
    });
    const request = newRequest();
    await invoices.issue(request);
    const status = await stateIs(request.clientReferenceId, 'NTS_REJECTED');
    expect(status).toMatchObject({ ntsConfirmNumber: null, rejection: { code: 'ERR001' } });
  });
});

describe('a bulk', () => {
  it('answers each document on its own, and a repeat gives the same', async () => {
    const bad = newRequest({ supplied: supplier });
    const submission = { submissionId: `sub-${randomUUID()}`, invoices: [newRequest(), bad, newRequest()] };
    const first = await invoices.issueBulk(submission);
    if (!first.ok) throw new Error(first.error.message);
    expect(first.value.results.map(({ clientReferenceId }) => clientReferenceId)).toEqual(
      submission.invoices.map(({ clientReferenceId }) => clientReferenceId),
    );
    expect(first.value.results.map(({ error }) => error?.code ?? null)).toEqual([null, 'same_party', null]);
    expect(await invoices.issueBulk(submission)).toEqual(first);
  });

  it('holds at most 100 documents', async () => {
    const invoicesOf = (count: number) => Array.from({ length: count }, () => newRequest());
    const full = await invoices.issueBulk({ submissionId: 'sub-full', invoices: invoicesOf(100) });
    expect(full).toMatchObject({ ok: true });
    const tooMany = await invoices.issueBulk({ submissionId: 'sub-more', invoices: invoicesOf(101) });
    expect(tooMany).toMatchObject(refusedAs('invalid_request'));
  });
});

describe('after issuing', () => {
  it('is cancelled before it was sent, never afterwards', async () => {
    await sandbox.behaviour('tax-invoices', { stepMs: 60_000 });
    const request = newRequest();
    await invoices.issue(request);
    expect(await invoices.cancel(request.clientReferenceId)).toEqual({ ok: true, value: undefined });
    expect(await stateIs(request.clientReferenceId, 'CANCELLED')).toMatchObject({ ntsConfirmNumber: null });
    await sandbox.behaviour('tax-invoices', {});
    const sent = newRequest();
    await accepted(sent);
    expect(await invoices.cancel(sent.clientReferenceId)).toMatchObject(refusedAs('already_sent_to_nts'));
  });

  it('is corrected by the difference, down to nothing but not below', async () => {
    const original = await accepted();
    const part = amendment(original, -40_000, -4_000);
    const first = await invoices.amend(part);
    expect(first).toMatchObject({ ok: true });
    expect(await invoices.amend(part)).toEqual(first);
    const tooMuch = await invoices.amend(amendment(original, -60_001, -6_000));
    expect(tooMuch).toMatchObject(refusedAs('invalid_amendment_amount'));
    const { ntsConfirmNumber } = await stateIs(part.clientReferenceId, 'NTS_ACCEPTED');
    expect(ntsConfirmNumber).toMatch(/^\d{24}$/);
    const end = { ...amendment(original, -60_000, -6_000), kind: 'CONTRACT_TERMINATION' as const };
    expect(await invoices.amend(end)).toMatchObject({ ok: true });
    expect(await invoices.amend(amendment(original, 1_000, 100))).toMatchObject(
      refusedAs('already_terminated'),
    );
  });

  it('is corrected only when the tax authority knows it', async () => {
    const unknown = await invoices.amend(amendment('0'.repeat(24), -1_000, -100));
    expect(unknown).toMatchObject(refusedAs('not_found_original'));
  });
});

it('a wrong key is an outage that needs a person', async () => {
  const wrong = createTaxInvoiceProvider({ ...sandbox.config, TAX_INVOICE_API_KEY: 'wrong-api-key' });
  await expect(wrong.issue(newRequest())).rejects.toMatchObject({ reason: 'credentials' });
});
