import { z } from 'zod';

/** `GET /v1/transactions` of the payment provider: every movement of money, the oldest first; cancelled is negative. */
export const paymentTransactionsSchema = z.array(
  z.object({
    transactionKey: z.string().min(1),
    paymentKey: z.string(),
    orderId: z.string(),
    transactionAt: z.iso.datetime({ offset: true }),
    amount: z.number().int(),
  }),
);
