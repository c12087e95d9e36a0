import { z } from 'zod';

/**
 * Payment provider, core API in the shape of Toss Payments (version 2022-11-16): only the fields that we send and
 * read. Times are ISO 8601 with an offset; money is whole won. Unknown fields are ignored, as the provider adds some.
 */
export const PAYMENT_STATUSES = [
  'READY',
  'IN_PROGRESS',
  'WAITING_FOR_DEPOSIT',
  'DONE',
  'CANCELED',
  'PARTIAL_CANCELED',
  'ABORTED',
  'EXPIRED',
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

const won = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const positiveWon = won.positive();
const offsetInstant = z.iso.datetime({ offset: true });
const text = (max: number) => z.string().trim().min(1).max(max);
/** The merchant's own order number. */
export const orderIdSchema = z.string().regex(/^[A-Za-z0-9_-]{6,64}$/, '6 to 64 of A-Z a-z 0-9 _ -');
/** The merchant's own name for a person who pays: not guessable, no personal data. */
export const customerKeySchema = z
  .string()
  .regex(/^[A-Za-z0-9_=.@-]{2,300}$/, '2 to 300 of A-Z a-z 0-9 _ = . @ -');

export const paymentSchema = z.object({
  paymentKey: z.string().min(1),
  orderId: z.string().min(1),
  orderName: z.string(),
  type: z.enum(['NORMAL', 'BILLING', 'BRANDPAY']),
  method: z.string().nullable(),
  currency: z.literal('KRW'),
  status: z.enum(PAYMENT_STATUSES),
  totalAmount: won,
  /** What has not been cancelled. */
  balanceAmount: won,
  suppliedAmount: won,
  vat: won,
  taxFreeAmount: won,
  requestedAt: offsetInstant,
  approvedAt: offsetInstant.nullable(),
  /** Repeated in DEPOSIT_CALLBACK, so that its receiver can compare. */
  secret: z.string().nullable(),
  cancels: z
    .array(
      z.object({
        cancelAmount: won,
        cancelReason: z.string(),
        canceledAt: offsetInstant,
        transactionKey: z.string(),
      }),
    )
    .nullable(),
  card: z.object({ issuerCode: z.string(), number: z.string() }).nullable(),
  virtualAccount: z
    .object({
      accountNumber: z.string(),
      bankCode: z.string(),
      customerName: z.string(),
      dueDate: offsetInstant,
      expired: z.boolean(),
    })
    .nullable(),
});
export type ProviderPayment = z.infer<typeof paymentSchema>;

/** `POST /v1/payments/confirm` */
export const confirmPaymentSchema = z.object({
  paymentKey: text(200),
  orderId: orderIdSchema,
  amount: positiveWon,
});

/** `POST /v1/payments/{paymentKey}/cancel`: without `cancelAmount` all that is left. */
export const cancelPaymentSchema = z.object({
  cancelReason: text(200),
  cancelAmount: positiveWon.optional(),
  taxFreeAmount: won.optional(),
  refundReceiveAccount: z
    .object({
      bank: text(20),
      accountNumber: z.string().regex(/^\d{6,20}$/, '6 to 20 digits'),
      holderName: text(60),
    })
    .optional(),
});

/** `POST /v1/virtual-accounts` */
export const issueVirtualAccountSchema = z.object({
  amount: positiveWon,
  taxFreeAmount: won.default(0),
  orderId: orderIdSchema,
  orderName: text(100),
  customerName: text(100),
  bank: text(20),
  validHours: z.number().int().min(1).max(720).default(168),
});

/** `POST /v1/billing/authorizations/issue` */
export const issueBillingKeySchema = z.object({ authKey: text(300), customerKey: customerKeySchema });

export const billingKeySchema = z.object({
  billingKey: z.string().min(1),
  customerKey: z.string(),
  authenticatedAt: offsetInstant,
  method: z.string(),
  card: z.object({ issuerCode: z.string(), number: z.string() }),
});

/** `POST /v1/billing/{billingKey}` */
export const chargeBillingKeySchema = z.object({
  customerKey: customerKeySchema,
  amount: positiveWon,
  taxFreeAmount: won.default(0),
  orderId: orderIdSchema,
  orderName: text(100),
});

/**
 * What the provider tells us (`{eventType, createdAt, data}`). It may come twice, late and out of order: read the
 * payment again by API, never trust the body. DEPOSIT_CALLBACK carries the payment's `secret`.
 */
export const paymentWebhookSchema = z.discriminatedUnion('eventType', [
  z.object({
    eventType: z.literal('PAYMENT_STATUS_CHANGED'),
    createdAt: offsetInstant,
    data: z.object({ paymentKey: z.string(), orderId: z.string(), status: z.enum(PAYMENT_STATUSES) }),
  }),
  z.object({
    eventType: z.literal('DEPOSIT_CALLBACK'),
    createdAt: offsetInstant,
    data: z.object({
      paymentKey: z.string(),
      orderId: z.string(),
      status: z.enum(PAYMENT_STATUSES),
      secret: z.string(),
      transactionKey: z.string(),
    }),
  }),
]);
