import { describe, expect, it } from 'vitest';
import { loadConfig } from '../infra/config.js';
import { statementJob } from './statement-job.js';
import { STATEMENTS } from './statements.js';

const SECRETS = ['s3cret-one', 's3cret-two', 's3cret-three'] as const;
const secured = (first: string, second: string, third: string) => ({
  ...loadConfig({}),
  FLINK_DATABASE_URL: `postgres://flink:${first}@db:5432/ads?ssl=true&password=${second}`,
  FLINK_REDIS_URL: `rediss://flink:${third}@redis:6380`,
});

describe.each(STATEMENTS)('$name as a job', (spec) => {
  const job = statementJob(spec, secured(...SECRETS));

  it('is shown without any password', () => {
    expect(job.text()).toContain("'password' = '***'");
    for (const secret of SECRETS) expect(job.text()).not.toContain(secret);
  });

  it('has a hash that nobody can guess a password from, and that tells another address or parallelism', () => {
    expect(statementJob(spec, secured('other', 'other', 'other')).deploymentHash).toBe(job.deploymentHash);
    const moved = { ...secured(...SECRETS), KAFKA_BROKERS: ['elsewhere:9092'] };
    expect(statementJob(spec, moved).deploymentHash).not.toBe(job.deploymentHash);
    const wider = { ...secured(...SECRETS), FLINK_PARALLELISM: 2 };
    expect(statementJob(spec, wider).deploymentHash).not.toBe(job.deploymentHash);
    expect([moved, wider].map((config) => statementJob(spec, config).textHash)).toEqual([
      job.textHash,
      job.textHash,
    ]);
  });
});
