import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Config } from '../../infra/config.js';
import type { Metrics } from '../../infra/metrics.js';
import type { DatabasePool } from '../../infra/postgres.js';
import type { PrismaClient } from '../../infra/prisma.js';
import type { TemporalClient } from '../../infra/temporal.js';

/** What the console's routes stand on; opened and closed by the process. */
export interface ConsoleDeps {
  readonly config: Pick<
    Config,
    | 'TAX_INVOICE_PROVIDER_URL'
    | 'TAX_INVOICE_API_KEY'
    | 'TAX_INVOICE_WEBHOOK_SECRET'
    | 'ADS_ENV'
    | 'HASH_KEY'
    | 'SESSION_HOURS'
    | 'TRUSTED_PROXIES'
    | 'PAYMENT_PROVIDER_URL'
    | 'PAYMENT_SECRET_KEY'
    | 'PAYMENT_WEBHOOK_SECRET'
    | 'BILLING_KEY_ENCRYPTION_KEY'
    | 'FLINK_REST_URL'
    | 'KAFKA_BROKERS'
    | 'TOPIC_PREFIX'
    | 'INSTANCE_NAME'
  >;
  readonly pool: DatabasePool;
  readonly prisma: PrismaClient;
  /** Fails fast: a missing Redis must not hold a request. */
  readonly redis: Redis;
  /** Submits and decides campaigns; connects with the first call. */
  readonly temporal: TemporalClient;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Real time, epoch ms: sessions. */
  readonly now: () => number;
  /** Business time, epoch ms: deadlines of people. */
  readonly businessNow: () => number;
  /** Aborted when the process begins to drain: answers that never end by themselves end then. */
  readonly draining?: AbortSignal;
}
