import { ApplicationFailure } from '@temporalio/activity';
import { expect, test } from 'vitest';
import { failingOnInvalidData } from './invalid-data.js';

const failing = (code: string) =>
  failingOnInvalidData({
    record: async (input: string): Promise<string> => {
      throw Object.assign(new Error(`refused ${input}`), { code });
    },
  }).record('x');

test.each(['22021', '22P05', '23503', '23505'])('SQLSTATE %s is not tried again', async (code) => {
  const error = await failing(code).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ApplicationFailure);
  expect(error).toMatchObject({ type: 'invalid_data', nonRetryable: true, message: 'refused x' });
});

test.each(['08006', '40001', '57P01', 'ECONNREFUSED', '2'])('%s is', async (code) => {
  const error = await failing(code).catch((reason: unknown) => reason);
  expect(error).not.toBeInstanceOf(ApplicationFailure);
  expect(error).toMatchObject({ code });
});

test('an answer passes', async () => {
  const { double } = failingOnInvalidData({ double: async (n: number) => n * 2 });
  expect(await double(4)).toBe(8);
});
