import { randomBytes } from 'node:crypto';
import type { PaymentStatus, ProviderPayment } from '../../../contracts/providers/payments.js';
import { koreanInstant } from '../kit/answer.js';
import type { SandboxCard } from './cards.js';

/** One payment as the sandbox keeps it. */
export interface SandboxPayment {
  readonly paymentKey: string;
  readonly orderId: string;
  readonly orderName: string;
  readonly type: 'NORMAL' | 'BILLING';
  readonly amount: number;
  readonly taxFreeAmount: number;
  readonly requestedAt: number;
  readonly secret: string;
  readonly card: SandboxCard | null;
  readonly customerKey: string | null;
  readonly virtualAccount: {
    readonly accountNumber: string;
    readonly bankCode: string;
    readonly customerName: string;
    readonly dueAt: number;
  } | null;
  status: PaymentStatus;
  approvedAt: number | null;
  lastTransactionKey: string;
  readonly cancels: Cancel[];
}

export interface Cancel {
  readonly cancelAmount: number;
  readonly taxFreeAmount: number;
  readonly cancelReason: string;
  readonly canceledAt: number;
  readonly transactionKey: string;
}

export const newKey = (prefix: string) => `${prefix}_${randomBytes(12).toString('hex')}`;
export const newTransactionKey = () => randomBytes(16).toString('hex').toUpperCase();

export const balanceOf = (payment: SandboxPayment) =>
  payment.amount - payment.cancels.reduce((sum, cancel) => sum + cancel.cancelAmount, 0);
export const taxFreeBalanceOf = (payment: SandboxPayment) =>
  payment.taxFreeAmount - payment.cancels.reduce((sum, cancel) => sum + cancel.taxFreeAmount, 0);

/** The provider's own form. VAT is an eleventh of what is neither tax free nor cancelled. */
export function renderPayment(payment: SandboxPayment): ProviderPayment & Record<string, unknown> {
  const balance = balanceOf(payment);
  const taxFree = taxFreeBalanceOf(payment);
  const vat = Math.round((balance - taxFree) / 11);
  const { card, virtualAccount } = payment;
  return {
    version: '2022-11-16',
    mId: 'sandbox',
    paymentKey: payment.paymentKey,
    lastTransactionKey: payment.lastTransactionKey,
    orderId: payment.orderId,
    orderName: payment.orderName,
    type: payment.type,
    method: virtualAccount ? '가상계좌' : '카드',
    currency: 'KRW',
    country: 'KR',
    status: payment.status,
    totalAmount: payment.amount,
    balanceAmount: balance,
    suppliedAmount: balance - taxFree - vat,
    vat,
    taxFreeAmount: payment.taxFreeAmount,
    requestedAt: koreanInstant(payment.requestedAt),
    approvedAt: payment.approvedAt === null ? null : koreanInstant(payment.approvedAt),
    secret: payment.secret,
    cancels:
      payment.cancels.length === 0
        ? null
        : payment.cancels.map((cancel) => ({
            ...cancel,
            canceledAt: koreanInstant(cancel.canceledAt),
            cancelStatus: 'DONE',
          })),
    card: card && { issuerCode: card.issuerCode, number: card.number },
    virtualAccount: virtualAccount && {
      accountNumber: virtualAccount.accountNumber,
      bankCode: virtualAccount.bankCode,
      customerName: virtualAccount.customerName,
      dueDate: koreanInstant(virtualAccount.dueAt),
      expired: payment.status === 'EXPIRED',
    },
  };
}
