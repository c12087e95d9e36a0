import type { Problem } from '../../contracts/http/problem.js';
import type { TopicName } from '../../contracts/topics.js';
import type { Config } from '../../infra/config.js';
import { createKafka, topicName } from '../../infra/kafka.js';
import { createLogger } from '../../infra/log.js';
import { cuttableLine } from '../support/cuttable-line.js';
import { startTestAdServer, type TestAdServer } from './ad-server-harness.js';

export interface ReportAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Partial<Problem> & Readonly<Record<string, unknown>>;
}

/** A report as a shop would send it; text is sent as it is. */
export async function report(
  url: string,
  apiKey: string,
  path: string,
  body: unknown,
): Promise<ReportAnswer> {
  const response = await fetch(new URL(path, url), {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const answer = (await response.json()) as ReportAnswer['body'];
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: answer };
}

export const fieldsOf = (answer: ReportAnswer) => (answer.body.errors ?? []).map((error) => error.field);

/** How many records a topic of this run holds: what a refused report must not change. */
export async function recordsIn(config: Config, topic: TopicName): Promise<number> {
  const admin = createKafka(config, createLogger(config, 'records-in-test')).admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topicName(config, topic));
    return offsets.reduce((sum, { offset }) => sum + Number(offset), 0);
  } finally {
    await admin.disconnect();
  }
}

/** An ad server of the same stores that cannot reach Kafka. */
export async function withoutKafka(
  config: Config,
  run: (server: TestAdServer) => Promise<void>,
): Promise<void> {
  const line = await cuttableLine();
  await line.cut();
  const server = await startTestAdServer({ ...config, KAFKA_BROKERS: [`127.0.0.1:${line.port}`] });
  try {
    await run(server);
  } finally {
    await server.stop();
  }
}
