const WEIGHTS = [1, 3, 7, 1, 3, 7, 1, 3, 5] as const;

/** The tenth digit of a Korean business registration number, from its first nine. */
export function businessNumberCheckDigit(firstNine: string): number {
  const digits = [...firstNine].map(Number);
  const weighted = WEIGHTS.reduce((sum, weight, index) => sum + weight * (digits[index] ?? Number.NaN), 0);
  const carry = Math.floor(((digits[8] ?? Number.NaN) * 5) / 10);
  return (10 - ((weighted + carry) % 10)) % 10;
}

/** Ten digits (hyphens allowed) whose checksum fits. The outer `% 10` matters: numbers ending in 0 are valid. */
export function isBusinessNumber(text: string): boolean {
  const digits = text.replaceAll('-', '');
  return /^\d{10}$/.test(digits) && businessNumberCheckDigit(digits.slice(0, 9)) === Number(digits[9]);
}
