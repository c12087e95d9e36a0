import express, { type RequestHandler, type Router } from 'express';
import { z } from 'zod';
import { customerKeySchema, orderIdSchema } from '../../../contracts/providers/payments.js';
import { Refusal } from '../kit/answer.js';
import { escapeHtml, sendPage } from '../kit/html.js';
import { cardInputSchema, toSandboxCard } from './cards.js';
import type { PaymentBook } from './payment-book.js';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** The checkout window in a browser: `GET` shows it, its form pays, and the shopper returns as at the real provider. */
export function checkoutPages(options: { readonly book: PaymentBook; readonly consoleUrl: string }): Router {
  const { book } = options;
  const returnUrl = z
    .url()
    .refine((text) => mayReturnTo(text, options.consoleUrl), 'not an address of the merchant');
  const both = { successUrl: returnUrl, failUrl: returnUrl };
  const paymentSchema = z.object({
    ...both,
    orderId: orderIdSchema,
    orderName: z.string().trim().min(1).max(100).default('광고비 충전'),
    amount: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER),
  });
  const billingSchema = z.object({ ...both, customerKey: customerKeySchema });
  const submittedSchema = z.object({ number: z.string().max(30), agree: z.enum(['yes', 'no']) });

  const router = express.Router();
  const form = express.urlencoded({ extended: false, limit: '16kb' });
  router.get(
    '/v1/sandbox/checkout',
    page(paymentSchema, (asked) => ({
      title: asked.orderName,
      lines: [`${asked.amount.toLocaleString('ko-KR')}원`, `주문번호 ${asked.orderId}`],
    })),
  );
  router.get(
    '/v1/sandbox/billing-checkout',
    page(billingSchema, () => ({ title: '자동결제 카드 등록', lines: ['이후 결제에 동의합니다.'] })),
  );
  router.post(
    '/v1/sandbox/checkout',
    form,
    submit(paymentSchema, submittedSchema, ({ orderId, orderName, amount }, card) => {
      const { paymentKey } = book.checkOut({ orderId, orderName, amount, taxFreeAmount: amount, card });
      return { paymentKey, orderId, amount: String(amount) };
    }),
  );
  router.post(
    '/v1/sandbox/billing-checkout',
    form,
    submit(billingSchema, submittedSchema, ({ customerKey }, card) =>
      book.authoriseBilling(customerKey, card),
    ),
  );
  return router;
}

function mayReturnTo(text: string, consoleUrl: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    url.origin === new URL(consoleUrl).origin || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
  );
}

function page<T>(
  schema: z.ZodType<T>,
  describe: (asked: T) => { title: string; lines: string[] },
): RequestHandler {
  return (req, res) => {
    const asked = schema.safeParse(req.query);
    if (!asked.success) {
      sendPage(res, '결제창을 열 수 없습니다', `<p>${escapeHtml(fieldsOf(asked.error))}</p>`, 400);
      return;
    }
    const { title, lines } = describe(asked.data);
    const said = lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('');
    // The form is sent to this very address: the query says what is paid and where to return.
    const fields =
      '<label>카드번호 <input name="number" value="4330-1234-5678-1234" inputmode="numeric"></label>' +
      '<button name="agree" value="yes">동의하고 계속</button> <button name="agree" value="no">취소</button>';
    sendPage(res, title, `${said}<form method="post">${fields}</form>`);
  };
}

function submit<T extends { successUrl: string; failUrl: string }>(
  schema: z.ZodType<T>,
  submittedSchema: z.ZodType<{ number: string; agree: 'yes' | 'no' }>,
  pay: (asked: T, card: ReturnType<typeof toSandboxCard>) => Record<string, string>,
): RequestHandler {
  return (req, res) => {
    const asked = schema.safeParse(req.query);
    const submitted = submittedSchema.safeParse(req.body);
    if (!asked.success || !submitted.success) {
      sendPage(res, '결제를 진행할 수 없습니다', '<p>입력을 확인해 주세요.</p>', 400);
      return;
    }
    const { successUrl, failUrl } = asked.data;
    const failed = (code: string, message: string) =>
      res.redirect(303, withQuery(failUrl, { code, message }));
    const card = cardInputSchema.safeParse({ number: submitted.data.number });
    if (submitted.data.agree === 'no')
      return failed('PAY_PROCESS_CANCELED', '사용자에 의해 결제가 취소되었습니다.');
    if (!card.success) return failed('INVALID_CARD_NUMBER', '카드번호를 다시 확인해주세요.');
    try {
      res.redirect(303, withQuery(successUrl, pay(asked.data, toSandboxCard(card.data))));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      failed(error.code, error.message);
    }
  };
}

function withQuery(address: string, values: Readonly<Record<string, string>>): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
  return url.href;
}

const fieldsOf = (error: z.ZodError) =>
  error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join(', ');
