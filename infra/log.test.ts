import { expect, test } from 'vitest';
import { createLogger, withCorrelationId } from './log.js';

function lines(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const written: string[] = [];
  const sink = { write: (line: string) => void written.push(line) };
  write(createLogger({ LOG_LEVEL: 'info', INSTANCE_NAME: 'test' }, 'ad-server', sink));
  return written.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('secrets and personal data never reach the log, at any of the usual depths', () => {
  const secret = 'never-to-be-seen';
  const text = JSON.stringify(
    lines((log) => {
      log.info({ password: secret, email: secret, clickToken: secret }, 'top');
      log.info({ req: { authorization: secret, cookie: secret, deviceId: secret } }, 'nested');
      log.info({ a: { b: { apiKey: secret, accountNumber: secret, ip: secret } } }, 'deeper');
    }),
  );
  expect(text).not.toContain(secret);
  expect(text.match(/\[redacted\]/g)).toHaveLength(9);
});

test('what belongs to one request carries its correlation id, across awaits too', async () => {
  const written: string[] = [];
  const log = createLogger({ LOG_LEVEL: 'info', INSTANCE_NAME: 'test' }, 'console-api', {
    write: (line: string) => void written.push(line),
  });
  await withCorrelationId('request-1', async () => {
    await Promise.resolve();
    log.info('inside');
  });
  log.info('outside');
  const ids = written.map((line) => (JSON.parse(line) as { correlationId?: string }).correlationId);
  expect(ids).toEqual(['request-1', undefined]);
});
