import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Consumer, EachMessagePayload, Producer, RetryOptions } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TOPICS } from '../../contracts/topics.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, groupName, topicName } from '../../infra/kafka.js';
import { GroupMembership } from '../../infra/kafka-group.js';
import { FIND_COORDINATOR, type KafkaLine, kafkaLine } from '../support/cuttable-line.js';
import { poll } from '../support/poll.js';

/** A member of a consumer group whose coordinator is not to be found when the group forms anew. */

/** Longer than the pauses before kafkajs, or we, try again. */
const NOTHING_WITHIN_MS = 2_500;

const log = pino({ level: 'silent' });
let config: Config;
let line: KafkaLine;
let producer: Producer;
let admin: Admin;
let groupId: string;
const cleanUp: (() => Promise<void>)[] = [];

beforeAll(async () => {
  config = {
    ...loadConfig(),
    TOPIC_PREFIX: `group-${randomBytes(4).toString('hex')}-`,
    KAFKA_PARTITIONS: 2,
  };
  await createTopics(config, log);
  line = await kafkaLine(config.KAFKA_BROKERS[0] ?? '');
  const kafka = createKafka(config, log);
  producer = await connectProducer(kafka);
  admin = kafka.admin();
  await admin.connect();
});
afterAll(async () => {
  await admin.disconnect();
  await producer.disconnect();
  await line.cut();
});
beforeEach(() => {
  groupId = groupName(config, `readers-${randomBytes(4).toString('hex')}`);
});
afterEach(async () => {
  line.refuse(null);
  line.flow();
  for (const step of cleanUp.splice(0)) await step();
});

async function subscribed(brokers: readonly string[], retry?: RetryOptions): Promise<Consumer> {
  const consumer = createKafka({ ...config, KAFKA_BROKERS: [...brokers] }, log).consumer({
    groupId,
    maxWaitTimeInMs: 100,
    heartbeatInterval: 200,
    sessionTimeout: 6_000,
    ...(retry === undefined ? {} : { retry }),
  });
  await consumer.connect();
  await consumer.subscribe({ topic: topicName(config, TOPICS.adEvents), fromBeginning: true });
  return consumer;
}

/** A member behind the line that notes what it reads, and how often kafkajs gave up on it. */
async function newMember(
  options: {
    readonly retry?: RetryOptions;
    readonly fails?: () => boolean;
    giveUp?(error: Error): void;
  } = {},
) {
  const consumer = await subscribed([`127.0.0.1:${line.port}`], options.retry);
  const group = new GroupMembership(consumer, log, options.giveUp);
  cleanUp.push(() => group.leave());
  const read = new Map<string, Set<number>>();
  let crashes = 0;
  consumer.on(consumer.events.CRASH, () => {
    crashes += 1;
  });
  const eachMessage = async ({ message, partition }: EachMessagePayload) => {
    if (options.fails?.()) throw new Error('cannot read it');
    const value = String(message.value);
    read.set(value, (read.get(value) ?? new Set()).add(partition));
  };
  return {
    group,
    partitionsOf: (value: string) => read.get(value)?.size ?? 0,
    crashes: () => crashes,
    join: () => group.run({ eachMessage }),
  };
}

async function joinedMember(...options: Parameters<typeof newMember>) {
  const member = await newMember(...options);
  await member.join();
  await poll('it is in the group', async () => member.group.joined());
  return member;
}

/** Another member comes: the group forms anew, and the coordinator is asked for. */
async function rebalance(): Promise<GroupMembership> {
  const other = new GroupMembership(await subscribed(config.KAFKA_BROKERS), log);
  cleanUp.push(() => other.leave());
  void other.run({ eachMessage: () => Promise.resolve() });
  return other;
}

const append = (value: string) =>
  producer.send({
    topic: topicName(config, TOPICS.adEvents),
    acks: -1,
    messages: [0, 1].map((partition) => ({ value, partition })),
  });

const members = async () => (await admin.describeGroups([groupId])).groups[0]?.members.length;

it('takes its place again when the coordinator is back, and reads on', async () => {
  const member = await joinedMember();
  await append('before');
  await poll('it reads', async () => member.partitionsOf('before') === 2);
  line.refuse(FIND_COORDINATOR);
  const other = await rebalance();
  await poll('kafkajs gives up, more than once', async () => member.crashes() > 1);
  expect(member.group.joined()).toBe(false);
  line.refuse(null);
  await poll('it is in the group again', async () => member.group.joined());
  await other.leave();
  await append('after');
  await poll('it reads both partitions', async () => member.partitionsOf('after') === 2);
  expect(member.group.detail()).toEqual({ group: 'joined', partitions: 2 });
});

describe('does not come back once it has left', () => {
  const expectNobody = async () => {
    await delay(NOTHING_WITHIN_MS);
    expect(await members()).toBe(0);
    const connections = line.connections();
    await delay(NOTHING_WITHIN_MS);
    expect(line.connections()).toBe(connections);
  };

  it('between two attempts', async () => {
    const member = await joinedMember();
    line.refuse(FIND_COORDINATOR);
    const other = await rebalance();
    await poll('kafkajs gives up', async () => member.crashes() > 0);
    await member.group.leave();
    line.refuse(null);
    await other.leave();
    await expectNobody();
  });

  it('while it joins', async () => {
    const member = await newMember();
    line.hang();
    const joining = member.join();
    await delay(100);
    await member.group.leave();
    line.flow();
    await joining;
    await expectNobody();
  });
});

it('ends the process, once, on what no repetition cures', async () => {
  const errors: Error[] = [];
  let fails = false;
  const { group, crashes } = await joinedMember({
    fails: () => fails,
    retry: { retries: 0, restartOnFailure: async () => false },
    giveUp: (error) => errors.push(error),
  });
  fails = true;
  await append('poison');
  await poll('it gives up', async () => errors.length > 0);
  expect(errors[0]?.message).toContain('cannot read it');
  await delay(NOTHING_WITHIN_MS);
  expect(crashes()).toBe(1);
  expect(errors).toHaveLength(1);
  expect(group.joined()).toBe(false);
});
