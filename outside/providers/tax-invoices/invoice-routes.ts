import express, { type Request, type RequestHandler, type Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import {
  amendTaxInvoiceSchema,
  bulkTaxInvoicesSchema,
  cancelTaxInvoiceSchema,
  clientReferenceIdSchema,
  issueTaxInvoiceSchema,
} from '../../../contracts/providers/tax-invoices.js';
import { answer, notFound, Refusal, read, refusals } from '../kit/answer.js';
import { requireBasicKey } from '../kit/basic-key.js';
import { type Behaviours, misbehave } from '../kit/behaviours.js';
import { type InvoiceBook, renderStatus, type SandboxInvoice } from './invoice-book.js';

const statusQuerySchema = z.object({ clientReferenceId: clientReferenceIdSchema });

export function taxInvoiceRoutes(options: {
  readonly book: InvoiceBook;
  readonly behaviours: Behaviours;
  readonly apiKey: string;
  readonly log: Logger;
}): Router {
  const { book } = options;
  const router = express.Router();
  router.use(
    misbehave(options.behaviours, 'tax-invoices'),
    requireBasicKey(options.apiKey),
    requireCustomerKey,
  );
  router.post(
    '/v1/taxInvoices/issue',
    answer((req) => issuance(book.issue(referenceOf(req), read(issueTaxInvoiceSchema, req.body)))),
  );
  router.post(
    '/v1/taxInvoices/bulk',
    answer((req) => {
      const { submissionId, invoices } = read(bulkTaxInvoicesSchema, req.body);
      return { submissionId, results: invoices.map((one) => issueOne(book, one)) };
    }),
  );
  router.post(
    '/v1/taxInvoices/amend',
    answer((req) => issuance(book.amend(referenceOf(req), read(amendTaxInvoiceSchema, req.body)))),
  );
  router.get(
    '/v1/taxInvoices/issue/status',
    answer((req) => renderStatus(book.find(read(statusQuerySchema, req.query).clientReferenceId))),
  );
  router.post(
    '/v1/taxInvoices/cancel',
    answer((req) => {
      book.cancel(read(cancelTaxInvoiceSchema, req.body).clientReferenceId);
      return {};
    }),
  );
  router.use(notFound);
  router.use(refusals(options.log, ({ code, message }) => ({ code, message })));
  return router;
}

const issuance = ({ issuanceKey }: SandboxInvoice) => ({ issuanceKey });

/** Each document of a bulk stands or falls on its own. */
function issueOne(book: InvoiceBook, one: { clientReferenceId: string; invoice: unknown }) {
  const { clientReferenceId } = one;
  try {
    const invoice = book.issue(clientReferenceId, read(issueTaxInvoiceSchema, one.invoice));
    return { clientReferenceId, issuanceKey: invoice.issuanceKey, error: null };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { clientReferenceId, issuanceKey: null, error: { code: error.code, message: error.message } };
  }
}

const referenceOf = (req: Request) => read(clientReferenceIdSchema, req.header('client-reference-id'));

const requireCustomerKey: RequestHandler = (req, _res, next) => {
  if (!req.header('customer-key'))
    throw new Refusal(400, 'MISSING_CUSTOMER_KEY', 'Customer-Key 헤더가 필요합니다.');
  next();
};
