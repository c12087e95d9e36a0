import type { z } from 'zod';
import type {
  cancelPaymentSchema,
  chargeBillingKeySchema,
  confirmPaymentSchema,
  issueBillingKeySchema,
  issueVirtualAccountSchema,
  PaymentStatus,
} from '../../../contracts/providers/payments.js';
import { koreanInstant, Refusal } from '../kit/answer.js';
import type { Behaviours } from '../kit/behaviours.js';
import { BoundedList, BoundedMap } from '../kit/bounded-map.js';
import type { WebhookEvent } from '../kit/webhooks.js';
import { transferBank, virtualAccountBank } from './banks.js';
import { refusalOfCard, type SandboxCard } from './cards.js';
import {
  balanceOf,
  newKey,
  newTransactionKey,
  renderPayment,
  type SandboxPayment,
  taxFreeBalanceOf,
} from './payment.js';

interface BillingKey {
  readonly billingKey: string;
  readonly customerKey: string;
  readonly card: SandboxCard;
  readonly authenticatedAt: number;
}

const PAYMENTS_KEPT = 50_000;
const TRANSACTIONS_KEPT = 100_000;
/** A checkout that the merchant does not confirm in time is void, as at the real provider. */
const CHECKOUT_LIFE_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;

const notFound = () => new Refusal(404, 'NOT_FOUND_PAYMENT', '존재하지 않는 결제 정보 입니다.');
const invalid = (message: string) => new Refusal(400, 'INVALID_REQUEST', message);

/** All payments, billing keys and money movements of the sandbox, and what may happen to each. Memory only. */
export class PaymentBook {
  private readonly payments = new BoundedMap<SandboxPayment>(PAYMENTS_KEPT);
  private readonly byOrder = new BoundedMap<SandboxPayment>(PAYMENTS_KEPT);
  private readonly byAccount = new BoundedMap<SandboxPayment>(PAYMENTS_KEPT);
  private readonly authorisations = new BoundedMap<Omit<BillingKey, 'billingKey'>>(PAYMENTS_KEPT);
  private readonly billingKeys = new BoundedMap<BillingKey>(PAYMENTS_KEPT);
  private readonly transactions = new BoundedList<Record<string, unknown> & { at: number }>(
    TRANSACTIONS_KEPT,
  );
  private accountSerial = Math.floor(Math.random() * 1e8);

  constructor(
    private readonly behaviours: Behaviours,
    private readonly tell: (event: WebhookEvent) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** The shopper agrees in the checkout window; no money moves before the merchant confirms. */
  checkOut(input: {
    orderId: string;
    orderName: string;
    amount: number;
    taxFreeAmount: number;
    card: SandboxCard;
  }): SandboxPayment {
    this.refuseTakenOrder(input.orderId);
    return this.open({ ...input, type: 'NORMAL', status: 'IN_PROGRESS' });
  }

  confirm(input: z.infer<typeof confirmPaymentSchema>): SandboxPayment {
    const payment = this.payments.get(input.paymentKey);
    if (!payment || payment.virtualAccount !== null || payment.type !== 'NORMAL') throw notFound();
    if (payment.status === 'IN_PROGRESS' && this.now() - payment.requestedAt > CHECKOUT_LIFE_MS)
      this.change(payment, 'EXPIRED');
    if (payment.status === 'EXPIRED' || payment.status === 'ABORTED')
      throw new Refusal(
        404,
        'NOT_FOUND_PAYMENT_SESSION',
        '결제 시간이 만료되어 결제 진행 데이터가 존재하지 않습니다.',
      );
    if (payment.status !== 'IN_PROGRESS')
      throw new Refusal(400, 'ALREADY_PROCESSED_PAYMENT', '이미 처리된 결제 입니다.');
    if (payment.orderId !== input.orderId) throw invalid('orderId: 결제 요청의 주문번호와 다릅니다.');
    if (payment.amount !== input.amount) throw invalid('amount: 결제 요청의 금액과 다릅니다.');
    this.refuseTakenOrder(payment.orderId);
    return this.approve(payment);
  }

  issueVirtualAccount(input: z.infer<typeof issueVirtualAccountSchema>): SandboxPayment {
    this.refuseTakenOrder(input.orderId);
    this.refuseOnDemand();
    const bankCode = virtualAccountBank(input.bank);
    if (bankCode === null) throw new Refusal(400, 'INVALID_BANK', '유효하지 않은 은행입니다.');
    this.accountSerial += 1;
    const { orderId, orderName, amount, taxFreeAmount, customerName, validHours } = input;
    const accountNumber = `9${bankCode}${String(this.accountSerial).padStart(11, '0')}`;
    const dueAt = this.now() + validHours * HOUR_MS;
    const virtualAccount = { accountNumber, bankCode, customerName, dueAt };
    const basics = { orderId, orderName, amount, taxFreeAmount };
    const payment = this.open({ ...basics, type: 'NORMAL', status: 'WAITING_FOR_DEPOSIT', virtualAccount });
    this.byAccount.set(accountNumber, payment);
    this.tellStatus(payment);
    return payment;
  }

  /** A person transfers money. The bank takes the exact amount only, and nothing after the due time. */
  deposit(payment: SandboxPayment, amount: number): SandboxPayment {
    this.expireIfDue(payment);
    if (payment.virtualAccount === null) throw invalid('not a virtual account');
    if (payment.status !== 'WAITING_FOR_DEPOSIT')
      throw new Refusal(409, 'ACCOUNT_CLOSED', `The account takes no deposit: ${payment.status}.`);
    if (amount !== payment.amount)
      throw new Refusal(400, 'WRONG_DEPOSIT_AMOUNT', `The account takes exactly ${payment.amount} won.`);
    payment.approvedAt = this.now();
    this.change(payment, 'DONE', amount);
    this.tellDeposit(payment);
    return payment;
  }

  /** The bank takes a deposit back (its own error): paid falls back to waiting. */
  reverseDeposit(payment: SandboxPayment): SandboxPayment {
    if (payment.virtualAccount === null || payment.status !== 'DONE')
      throw new Refusal(409, 'NOT_REVERSIBLE', `There is no deposit to reverse: ${payment.status}.`);
    payment.approvedAt = null;
    this.change(payment, 'WAITING_FOR_DEPOSIT', -payment.amount);
    this.tellDeposit(payment);
    return payment;
  }

  expire(payment: SandboxPayment): SandboxPayment {
    if (payment.status !== 'WAITING_FOR_DEPOSIT')
      throw new Refusal(409, 'NOT_WAITING', `Nothing to expire: ${payment.status}.`);
    this.change(payment, 'EXPIRED');
    return payment;
  }

  /** Called now and then: closes the accounts whose due time has passed. */
  expireDue(): void {
    for (const payment of this.byAccount.values()) this.expireIfDue(payment);
  }

  /** The card holder agrees to later charges; the merchant exchanges the key once. */
  authoriseBilling(customerKey: string, card: SandboxCard): { authKey: string; customerKey: string } {
    const authKey = newKey('bln_auth');
    this.authorisations.set(authKey, { customerKey, card, authenticatedAt: this.now() });
    return { authKey, customerKey };
  }

  issueBillingKey({ authKey, customerKey }: z.infer<typeof issueBillingKeySchema>) {
    this.refuseOnDemand();
    const agreed = this.authorisations.get(authKey);
    if (agreed?.customerKey !== customerKey)
      throw new Refusal(400, 'INVALID_AUTHORIZE_AUTH', '유효하지 않은 인증 방식입니다.');
    this.authorisations.remove(authKey);
    const billingKey = newKey('bil');
    this.billingKeys.set(billingKey, { ...agreed, billingKey });
    const { issuerCode, number } = agreed.card;
    return {
      mId: 'sandbox',
      customerKey,
      authenticatedAt: koreanInstant(agreed.authenticatedAt),
      method: '카드',
      billingKey,
      card: { issuerCode, acquirerCode: issuerCode, number, cardType: '신용', ownerType: '법인' },
    };
  }

  chargeBillingKey(billingKey: string, input: z.infer<typeof chargeBillingKeySchema>): SandboxPayment {
    const key = this.billingKeys.get(billingKey);
    if (!key) throw new Refusal(404, 'NOT_FOUND_BILLING', '존재하지 않는 빌링키 입니다.');
    if (key.customerKey !== input.customerKey)
      throw new Refusal(
        403,
        'NOT_MATCHES_CUSTOMER_KEY',
        '빌링 인증 고객키와 결제 요청 고객키가 일치하지 않습니다.',
      );
    this.refuseTakenOrder(input.orderId);
    return this.approve(this.open({ ...input, type: 'BILLING', status: 'IN_PROGRESS', card: key.card }));
  }

  cancel(payment: SandboxPayment, input: z.infer<typeof cancelPaymentSchema>): SandboxPayment {
    this.expireIfDue(payment);
    this.refuseOnDemand();
    if (payment.status === 'CANCELED')
      throw new Refusal(400, 'ALREADY_CANCELED_PAYMENT', '이미 취소된 결제 입니다.');
    const balance = balanceOf(payment);
    const amount = input.cancelAmount ?? balance;
    const waiting = payment.status === 'WAITING_FOR_DEPOSIT';
    const paid = payment.status === 'DONE' || payment.status === 'PARTIAL_CANCELED';
    if (!paid && !(waiting && amount === balance))
      throw new Refusal(403, 'NOT_CANCELABLE_PAYMENT', '취소 할 수 없는 결제 입니다.');
    if (amount > balance) throw new Refusal(403, 'NOT_CANCELABLE_AMOUNT', '취소 할 수 없는 금액 입니다.');
    const taxFreeAmount =
      input.cancelAmount === undefined ? taxFreeBalanceOf(payment) : (input.taxFreeAmount ?? 0);
    if (
      taxFreeAmount > Math.min(amount, taxFreeBalanceOf(payment)) ||
      amount - taxFreeAmount > balance - taxFreeBalanceOf(payment)
    )
      throw new Refusal(
        403,
        'EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT',
        '면세 금액과 과세 금액이 남은 금액과 맞지 않습니다.',
      );
    if (paid && payment.virtualAccount !== null) requireRefundAccount(input);
    payment.cancels.push({
      cancelAmount: amount,
      taxFreeAmount,
      cancelReason: input.cancelReason,
      canceledAt: this.now(),
      transactionKey: newTransactionKey(),
    });
    this.change(payment, amount === balance ? 'CANCELED' : 'PARTIAL_CANCELED', waiting ? 0 : -amount);
    return payment;
  }

  /** Every movement of money from `from` (inclusive) to `to`, oldest first: what a merchant reconciles with. */
  listTransactions(from: number, to: number, after: string | undefined, limit: number) {
    const within = this.transactions.values().filter(({ at }) => at >= from && at < to);
    const start = after === undefined ? 0 : within.findIndex((line) => line.transactionKey === after) + 1;
    return within.slice(start, start + limit).map(({ at: _, ...line }) => line);
  }

  list(): SandboxPayment[] {
    return this.payments.values();
  }

  byKey(paymentKey: string): SandboxPayment {
    const payment = this.payments.get(paymentKey);
    if (!payment) throw notFound();
    this.expireIfDue(payment);
    return payment;
  }

  ofOrder(orderId: string): SandboxPayment {
    const payment = this.byOrder.get(orderId);
    if (!payment) throw notFound();
    this.expireIfDue(payment);
    return payment;
  }

  ofAccount(accountNumber: string): SandboxPayment {
    const payment = this.byAccount.get(accountNumber);
    if (!payment) throw notFound();
    return payment;
  }

  private open(
    input: Pick<SandboxPayment, 'orderId' | 'orderName' | 'amount' | 'taxFreeAmount' | 'type' | 'status'> & {
      card?: SandboxCard;
      virtualAccount?: SandboxPayment['virtualAccount'];
      customerKey?: string;
    },
  ): SandboxPayment {
    if (input.taxFreeAmount > input.amount) throw invalid('taxFreeAmount: more than the amount');
    const { card = null, virtualAccount = null, customerKey = null, ...rest } = input;
    const payment: SandboxPayment = {
      ...rest,
      paymentKey: newKey('tsand'),
      requestedAt: this.now(),
      secret: newKey('ps'),
      card,
      virtualAccount,
      customerKey,
      approvedAt: null,
      lastTransactionKey: newTransactionKey(),
      cancels: [],
    };
    this.payments.set(payment.paymentKey, payment);
    this.byOrder.set(payment.orderId, payment);
    return payment;
  }

  /** The card company is asked: it says yes, or the payment is over. */
  private approve(payment: SandboxPayment): SandboxPayment {
    const demanded = this.behaviours.takeRejection('payments');
    const refusal = demanded
      ? new Refusal(403, demanded.code, demanded.message)
      : payment.card && refusalOfCard(payment.card);
    if (refusal) {
      this.change(payment, 'ABORTED');
      throw refusal;
    }
    payment.approvedAt = this.now();
    // Of several checkouts of an order, the paid one is the order's payment.
    this.byOrder.set(payment.orderId, payment);
    this.change(payment, 'DONE', payment.amount);
    return payment;
  }

  private change(payment: SandboxPayment, status: PaymentStatus, movedKrw = 0): void {
    payment.status = status;
    payment.lastTransactionKey = newTransactionKey();
    if (movedKrw !== 0) {
      const at = this.now();
      this.transactions.add({
        at,
        mId: 'sandbox',
        transactionKey: payment.lastTransactionKey,
        paymentKey: payment.paymentKey,
        orderId: payment.orderId,
        method: payment.virtualAccount ? '가상계좌' : '카드',
        customerKey: payment.customerKey,
        status,
        transactionAt: koreanInstant(at),
        currency: 'KRW',
        amount: movedKrw,
      });
    }
    this.tellStatus(payment);
  }

  private tellStatus(payment: SandboxPayment): void {
    this.tell({ eventType: 'PAYMENT_STATUS_CHANGED', data: renderPayment(payment) });
  }

  private tellDeposit({ paymentKey, orderId, status, secret, lastTransactionKey }: SandboxPayment): void {
    const data = { paymentKey, orderId, status, secret, transactionKey: lastTransactionKey };
    this.tell({ eventType: 'DEPOSIT_CALLBACK', data });
  }

  private expireIfDue(payment: SandboxPayment): void {
    const due = payment.virtualAccount !== null && payment.virtualAccount.dueAt <= this.now();
    if (due && payment.status === 'WAITING_FOR_DEPOSIT') this.change(payment, 'EXPIRED');
  }

  private refuseOnDemand(): void {
    const demanded = this.behaviours.takeRejection('payments');
    if (demanded) throw new Refusal(403, demanded.code, demanded.message);
  }

  /** An order is paid once; after a failed or expired try it may be tried again. */
  private refuseTakenOrder(orderId: string): void {
    const earlier = this.byOrder.get(orderId);
    if (earlier) this.expireIfDue(earlier);
    const over = earlier === undefined || ['ABORTED', 'EXPIRED', 'IN_PROGRESS'].includes(earlier.status);
    if (!over)
      throw new Refusal(400, 'DUPLICATED_ORDER_ID', '이미 승인 및 취소가 진행된 중복된 주문번호 입니다.');
  }
}

function requireRefundAccount(input: z.infer<typeof cancelPaymentSchema>): void {
  const account = input.refundReceiveAccount;
  if (!account)
    throw new Refusal(400, 'INVALID_REFUND_ACCOUNT_INFO', '환불 계좌번호와 예금주명이 필요합니다.');
  if (transferBank(account.bank) === null)
    throw new Refusal(400, 'INVALID_BANK', '유효하지 않은 은행입니다.');
}
