import { expect, test } from 'vitest';
import { arrayLiteral } from './postgres.js';

test('an array literal keeps every value apart, whatever it contains', () => {
  expect(arrayLiteral([])).toBe('{}');
  expect(arrayLiteral(['', 'a', 'NULL', 'a,b', '{}', 'a"b', 'a\\b', '한글'])).toBe(
    '{"","a","NULL","a,b","{}","a\\"b","a\\\\b","한글"}',
  );
  expect(arrayLiteral([1, -2, null])).toBe('{1,-2,NULL}');
});
