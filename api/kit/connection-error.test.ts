import { expect, test } from 'vitest';
import { isConnectionError } from './connection-error.js';

const coded = (code: string, message = 'failed') => Object.assign(new Error(message), { code });

test.each([
  coded('ECONNREFUSED'),
  coded('ECONNRESET'),
  coded('08006'),
  coded('57P01', 'terminating connection due to administrator command'),
  coded('53300', 'too many clients already'),
  coded('P1001'),
  new Error('Connection terminated unexpectedly'),
  new Error('timeout exceeded when trying to connect'),
  // A PostgreSQL that hangs: the client gives up before the server can.
  new Error('Query read timeout'),
  new Error("Stream isn't writeable and enableOfflineQueue options is false"),
  new Error('query failed', { cause: coded('ECONNREFUSED') }),
  new AggregateError([coded('ECONNREFUSED')], 'every address'),
])('%s is an outage', (error) => {
  expect(isConnectionError(error)).toBe(true);
});

test.each([coded('23505'), coded('22021'), coded('57014'), coded('P2002'), new Error('a bug'), 'text', null])(
  '%s is not',
  (error) => {
    expect(isConnectionError(error)).toBe(false);
  },
);

test('a circle of causes ends', () => {
  const first = new Error('first');
  first.cause = new Error('second', { cause: first });
  expect(isConnectionError(first)).toBe(false);
});
