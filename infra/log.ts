import { AsyncLocalStorage } from 'node:async_hooks';
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
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

/** JSON lines to standard output; `destination` is for tests. */
export function createLogger(
  config: Pick<Config, 'LOG_LEVEL' | 'INSTANCE_NAME'>,
  process: string,
  destination: DestinationStream = pino.destination(1),
): Logger {
  const options: LoggerOptions = {
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
  };
  return pino(options, destination);
}
