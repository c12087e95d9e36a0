import {
  CLICK_DELIVERY_WINDOW_MS,
  CLICK_TOKEN_LIFE_MS,
  type ClickOutcome,
  type ClickReason,
  type ClickSignals,
} from './click-outcome.js';
import { type BothLanguages, thousands } from './click-receipt.js';
import { INVALID_CLICK_THRESHOLDS } from './invalid-click-rules.js';
import { assertNever, invariant } from './result.js';

export interface DecisionFacts {
  readonly outcome: ClickOutcome;
  readonly reason: ClickReason | null;
  readonly signals: ClickSignals;
  readonly tokenPriceKrw: number;
  readonly cashKrw: number;
  readonly promoKrw: number;
}

/** Why this click was charged, or was not, with the numbers that decided it. */
export function explainDecision(facts: DecisionFacts): BothLanguages {
  if (facts.reason !== null) return explainReason(facts.reason, facts);
  invariant(facts.outcome === 'charged', 'a click that is not charged has a reason');
  const [price, cash, promo] = [facts.tokenPriceKrw, facts.cashKrw, facts.promoKrw].map(thousands);
  return {
    ko: `광고를 보여 줄 때 약속한 ${price}원이 그대로 과금되었습니다: 쿠폰 ${promo}원, 충전금 ${cash}원. 만료가 빠른 쿠폰부터 쓰고 모자라는 만큼 충전금에서 씁니다.`,
    en: `Charged exactly the ₩${price} promised when the ad was served: ₩${promo} promotional money (the soonest to expire first), then ₩${cash} cash.`,
  };
}

const LIMITS = INVALID_CLICK_THRESHOLDS;
const minutes = (ms: number) => thousands(Math.floor(ms / 60_000));
const LIFE_MINUTES = minutes(CLICK_TOKEN_LIFE_MS);
const DELIVERY_HOURS = CLICK_DELIVERY_WINDOW_MS / 3_600_000;
const DOUBLE_CLICK_SECONDS = LIMITS.doubleClickWithinMs / 1_000;

function explainReason(reason: ClickReason, { signals, tokenPriceKrw }: DecisionFacts): BothLanguages {
  const price = thousands(tokenPriceKrw);
  switch (reason) {
    case 'expired_token':
      return {
        ko: `무효 클릭: 광고를 보여 준 뒤 ${LIFE_MINUTES}분 안의 클릭만, 늦어도 ${DELIVERY_HOURS}시간 안에 도착한 것만 과금합니다(${minutes(signals.tokenAgeMs)}분 뒤 도착).`,
        en: `Invalid: only clicks within ${LIFE_MINUTES} minutes of serving, arrived within ${DELIVERY_HOURS} hours, are charged (this one arrived after ${minutes(signals.tokenAgeMs)} minutes).`,
      };
    case 'listed_bot':
      return {
        ko: '무효 클릭: 스스로 로봇이라고 밝힌 프로그램의 클릭입니다.',
        en: 'Invalid: the click of a program that declares itself a robot.',
      };
    case 'double_click':
      return {
        ko: `무효 클릭: 같은 기기가 같은 광고를 ${thousands(signals.sinceSameAdMs ?? 0)}ms 만에 다시 클릭했습니다(${DOUBLE_CLICK_SECONDS}초 이내는 한 번만 과금).`,
        en: `Invalid: the same device clicked the same ad ${thousands(signals.sinceSameAdMs ?? 0)} ms before (one charge within ${DOUBLE_CLICK_SECONDS} seconds).`,
      };
    case 'device_burst':
      return {
        ko: `무효 클릭: 같은 기기의 1분간 ${thousands(signals.deviceClicksPerMinute)}번째 클릭입니다(한도 ${LIMITS.deviceClicksPerMinute}번).`,
        en: `Invalid: click number ${thousands(signals.deviceClicksPerMinute)} of this device within a minute (limit ${LIMITS.deviceClicksPerMinute}).`,
      };
    case 'ip_burst':
      return {
        ko: `무효 클릭: 같은 IP 주소의 1분간 ${thousands(signals.ipClicksPerMinute)}번째 클릭입니다(한도 ${LIMITS.ipClicksPerMinute}번).`,
        en: `Invalid: click number ${thousands(signals.ipClicksPerMinute)} of this IP address within a minute (limit ${LIMITS.ipClicksPerMinute}).`,
      };
    case 'own_account_click':
      return {
        ko: '무효 클릭: 광고주 계정으로 로그인한 적이 있는 기기의 클릭입니다.',
        en: 'Invalid: the click of a device from which this advertiser’s own people signed in.',
      };
    case 'daily_budget_exhausted':
      return {
        ko: `유효 클릭이지만 남은 일예산이 ${price}원보다 적어 과금하지 않았습니다.`,
        en: `A valid click, not charged: less than ₩${price} was left of the daily budget.`,
      };
    case 'total_budget_exhausted':
      return {
        ko: `유효 클릭이지만 남은 총예산이 ${price}원보다 적어 과금하지 않았습니다.`,
        en: `A valid click, not charged: less than ₩${price} was left of the total budget.`,
      };
    case 'balance_exhausted':
      return {
        ko: `유효 클릭이지만 남은 잔액이 ${price}원보다 적어 과금하지 않았습니다.`,
        en: `A valid click, not charged: less than ₩${price} was left of the balance.`,
      };
    case 'unknown_campaign':
      return {
        ko: '무효 클릭: 과금할 수 있는 캠페인이 아닙니다.',
        en: 'Invalid: there is no such campaign that could be charged.',
      };
    default:
      return assertNever(reason, 'click reason');
  }
}

/** Whether the cash of a click stands on a tax document. Promotional money is given away: it never does. */
export const INVOICING_STATES = ['nothing_to_invoice', 'promo_only', 'not_invoiced_yet', 'invoiced'] as const;
export type InvoicingState = (typeof INVOICING_STATES)[number];

export interface InvoicingFacts {
  readonly month: string;
  readonly chargedKrw: number;
  readonly cashKrw: number;
  readonly promoKrw: number;
  /** Epoch ms; null: not taken back. */
  readonly reversedAtMs: number | null;
  /** When the invoice of this month was drafted, epoch ms; null: not yet, and never for a month without cash. */
  readonly draftedAtMs: number | null;
}

export function invoicingOf(facts: InvoicingFacts): {
  readonly state: InvoicingState;
  readonly explanation: BothLanguages;
} {
  const state = invoicingStateOf(facts);
  return { state, explanation: explainInvoicing(state, facts) };
}

function invoicingStateOf(facts: InvoicingFacts): InvoicingState {
  if (facts.chargedKrw === 0) return 'nothing_to_invoice';
  if (facts.cashKrw === 0) return 'promo_only';
  const { reversedAtMs, draftedAtMs } = facts;
  // What was taken back by then was left out of the invoice.
  const leftOut = reversedAtMs !== null && (draftedAtMs === null || reversedAtMs <= draftedAtMs);
  if (leftOut) return 'nothing_to_invoice';
  return draftedAtMs === null ? 'not_invoiced_yet' : 'invoiced';
}

function explainInvoicing(state: InvoicingState, facts: InvoicingFacts): BothLanguages {
  const [cash, promo] = [facts.cashKrw, facts.promoKrw].map(thousands);
  const month = facts.month.replace('-', '년 ');
  const promoKo = facts.promoKrw > 0 ? ` 쿠폰 ${promo}원은 세금계산서 대상이 아닙니다.` : '';
  const promoEn = facts.promoKrw > 0 ? ` The ₩${promo} of promotional money is never invoiced.` : '';
  // Taken back before the invoice, it would not stand on it.
  const back = facts.reversedAtMs !== null;
  const backKo = back ? ' 그 뒤 환급된 금액은 수정세금계산서로 정정합니다.' : '';
  const backEn = back ? ' It was taken back afterwards, which a correction of the invoice says.' : '';
  switch (state) {
    case 'nothing_to_invoice':
      return facts.reversedAtMs === null
        ? {
            ko: '과금되지 않아 세금계산서에 실릴 금액이 없습니다.',
            en: 'Nothing was charged, nothing is invoiced.',
          }
        : {
            ko: '발행 전에 환급되어 세금계산서에 실리지 않습니다.',
            en: 'Taken back before it was invoiced: it stands on no invoice.',
          };
    case 'promo_only':
      return {
        ko: `전액 쿠폰(${promo}원)으로 과금되어 세금계산서 대상이 아닙니다.`,
        en: `Paid with promotional money (₩${promo}) only, which is never invoiced.`,
      };
    case 'not_invoiced_yet':
      return {
        ko: `충전금 ${cash}원은 ${month}월 세금계산서에 실릴 예정입니다.${promoKo}`,
        en: `The ₩${cash} of cash will stand on the tax invoice of ${facts.month}.${promoEn}`,
      };
    case 'invoiced':
      return {
        ko: `충전금 ${cash}원은 ${month}월 세금계산서에 포함되었습니다.${promoKo}${backKo}`,
        en: `The ₩${cash} of cash stands on the tax invoice of ${facts.month}.${promoEn}${backEn}`,
      };
    default:
      return assertNever(state, 'invoicing state');
  }
}
