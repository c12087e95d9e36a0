import { expect, test } from 'vitest';
import { isPoison } from './retry.js';

const refusal = (code: string, table?: string, constraint?: string) =>
  Object.assign(new Error('refused'), { code, table, constraint });

test('a click is poison when its own value or row is refused, and only then', () => {
  expect(isPoison(refusal('22001'))).toBe(true);
  expect(isPoison(refusal('23514', 'click_charge', 'click_charge_split'))).toBe(true);
  expect(isPoison(refusal('23514', 'click_charge_2026_11', 'click_charge_split'))).toBe(true);
});

test('a fault of the installation is waited out: setting clicks aside for it would lose good ones', () => {
  expect(isPoison(refusal('23514', 'ledger_entry'))).toBe(false); // no partition for the day
  expect(isPoison(refusal('23514', 'click_charge'))).toBe(false); // no partition for the month
  expect(isPoison(refusal('23001'))).toBe(false); // a closed day, a version that fell back
  expect(isPoison(refusal('23505', 'ledger_entry', 'ledger_entry_pkey'))).toBe(false);
  expect(isPoison(refusal('57P01'))).toBe(false);
  expect(isPoison(new Error('Connection terminated'))).toBe(false);
});
