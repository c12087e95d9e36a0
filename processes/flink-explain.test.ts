import { expect, it } from 'vitest';
import { readStatement } from '../flink/render-statement.js';
import { STATEMENTS } from '../flink/statements.js';
import { asExplanation } from './flink-explain.js';

it.each(STATEMENTS)('$name is explained, not started', (spec) => {
  const last = readStatement(spec.name, spec.tables).parts.at(-1) ?? '';
  const question = asExplanation(last)
    .replace(/^\s*--.*$/gm, '')
    .trim();
  expect(question).toMatch(/^EXPLAIN (STATEMENT SET|PLAN FOR INSERT INTO)\b/);
  expect(question).not.toMatch(/\bEXECUTE\b/);
});

it('a text that starts no job is not sent as a question', () => {
  expect(() => asExplanation('CREATE TABLE t (a INT)')).toThrow('starts no job');
});
