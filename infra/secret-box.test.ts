import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSecretBox } from './secret-box.js';

const key = () => randomBytes(32).toString('hex');

test('what was sealed opens with the same key and owner only', () => {
  const box = createSecretBox(key());
  const sealed = box.seal('billing-key-1', 'adv_1');
  expect(sealed).not.toContain('billing-key-1');
  expect(box.seal('billing-key-1', 'adv_1')).not.toBe(sealed);
  expect(box.open(sealed, 'adv_1')).toBe('billing-key-1');
  expect(() => box.open(sealed, 'adv_2')).toThrow();
  expect(() => createSecretBox(key()).open(sealed, 'adv_1')).toThrow();
});

test('a changed text does not open', () => {
  const box = createSecretBox(key());
  const sealed = box.seal('billing-key-1', 'adv_1');
  const at = sealed.length - 2;
  const other = sealed[at] === 'A' ? 'B' : 'A';
  expect(() => box.open(sealed.slice(0, at) + other + sealed.slice(at + 1), 'adv_1')).toThrow();
  expect(() => box.open('v2.AAAA', 'adv_1')).toThrow('unknown version');
});
