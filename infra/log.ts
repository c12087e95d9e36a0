import { AsyncLocalStorage } from 'node:async_hooks';
import { type Logger, pino } from 'pino';
import type { Config } from './config.js';

/** The correlation id of the request, event or workflow that this code runs for. */
const correlation = new AsyncLocalStorage<string>();

export function withCorrelationId<T>(correlationId: string, run: () => T): T {
  return correlation.run(correlationId, run);
}

export function correlationId(): string | undefined {
  return correlation.getStore();
}

/** Never in a log: secrets, session and API keys, click tokens, personal and bank data. */
const REDACTED = [
  'password',
  'passwordHash',
  'authorization',
  'cookie',
  'clickToken',
  'apiKey',
  'secret',
  'accountNumber',
  'email',
  'deviceId',
  'ip',
];

export function createLogger(config: Pick<Config, 'LOG_LEVEL' | 'INSTANCE_NAME'>, process: string): Logger {
  return pino({
    level: config.LOG_LEVEL,
    base: { process, instance: config.INSTANCE_NAME },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: REDACTED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
      censor: '[redacted]',
    },
    mixin() {
      const id = correlationId();
      return id === undefined ? {} : { correlationId: id };
    },
  });
}
