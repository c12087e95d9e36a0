import { z } from 'zod';
import { Refusal } from '../kit/answer.js';

/** The card that the shopper types in; the last four digits may ask for a refusal (see REFUSED_CARDS). */
export const cardInputSchema = z.object({
  number: z
    .string()
    .transform((text) => text.replace(/[\s-]/g, ''))
    .refine((digits) => /^\d{14,16}$/.test(digits), '14 to 16 digits')
    .default('4330123456781234'),
});

export interface SandboxCard {
  readonly issuerCode: string;
  readonly number: string;
  readonly lastFour: string;
}

const ISSUERS: Readonly<Record<string, string>> = { 3: '61', 4: '41', 5: '51', 6: '31', 9: '11' };

export function toSandboxCard({ number }: z.infer<typeof cardInputSchema>): SandboxCard {
  return {
    issuerCode: ISSUERS[number[0] ?? ''] ?? '91',
    number: `${number.slice(0, 8)}****${number.slice(12, -1)}*`,
    lastFour: number.slice(-4),
  };
}

/** Cards that the card company refuses whenever they are charged, by their last four digits. */
const REFUSED_CARDS: Readonly<Record<string, readonly [code: string, message: string]>> = {
  '0001': ['REJECT_CARD_PAYMENT', '한도초과 혹은 잔액부족으로 결제에 실패했습니다.'],
  '0002': ['REJECT_CARD_COMPANY', '결제 승인이 거절되었습니다.'],
  '0003': ['INVALID_STOPPED_CARD', '정지된 카드 입니다.'],
};

export function refusalOfCard(card: SandboxCard): Refusal | null {
  const [code, message] = REFUSED_CARDS[card.lastFour] ?? [];
  return code === undefined || message === undefined ? null : new Refusal(403, code, message);
}
