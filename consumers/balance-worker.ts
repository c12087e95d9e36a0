import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { GroupMembership } from '../infra/kafka-group.js';
import type { ChargedClick } from '../operations/charge-clicks.js';
import { type ClickDelivery, isClick, parseClick } from './click-delivery.js';
import { ClickOffsets, type OffsetTicket, type Reading } from './click-offsets.js';
import {
  answerAdServers,
  countDecided,
  type DecideClicksDeps,
  deadLetter,
  decideClicks,
  publishDecisions,
} from './decide-clicks.js';
import { DecisionGroup } from './decision-group.js';
import { SetAsideQueue } from './set-aside-queue.js';

export interface BalanceWorkerDeps extends DecideClicksDeps {
  readonly consumer: Consumer;
  readonly group: Pick<GroupMembership, 'run'>;
  readonly partitions: number;
}

/** Most clicks in one transaction: beyond it a batch adds latency and hardly any throughput (`bench/charge-clicks`). */
const CLICKS_PER_TRANSACTION = 500;
/**
 * A partition is read on so long after its clicks were handed in, also while they still wait for their transaction: what
 * arrives during one is then in the next, instead of in the one after it. Not at once, or every click would cost a fetch.
 */
const READ_ON_MS = 3;
/** With so many clicks waiting, nothing is read on before a transaction has taken them. */
const MOST_WAITING = CLICKS_PER_TRANSACTION;
/** While clicks wait for a slow transaction, this often the group is asked whether it wants its partitions back. */
const HEARTBEAT_MS = 500;
/** Offsets are written at this pace, not per fetch: what is redelivered after a crash is recognised by its id. */
const COMMIT_OFFSETS_MS = 500;
/** Before clicks are read again that failed for no reason that waiting cures. */
const READ_AGAIN_MS = 1_000;
/** Records that are no clicks and wait to be set aside; with more of them in memory, nothing is read on. */
const MOST_UNREADABLE = 1_000;

export interface BalanceWorker {
  /** How long the oldest group of clicks has been waiting for its decision; 0 when none is. */
  stuckMs(): number;
  /** Finishes what is under way and writes its offsets; the consumer is disconnected afterwards. */
  stop(): Promise<void>;
}

/**
 * ad-events -> decided clicks. For each group of clicks always in this order:
 * commit in PostgreSQL -> answer the ad server and append AD_CLICK_DECIDED -> commit the offset.
 * A crash at any point redelivers the group, and every step is idempotent by click id.
 *
 * A partition is read on while its clicks wait for their transaction, as long as few do, so that the next ones are there
 * when it begins.
 * Offsets therefore follow on their own (`ClickOffsets`): only up to the first click that is not decided and
 * published. When partitions move, what waits is left to their new owner at once; what is in a transaction is
 * finished, and the new owner finds its outcome.
 */
export async function runBalanceWorker(deps: BalanceWorkerDeps): Promise<BalanceWorker> {
  const worker = new Worker(deps);
  await deps.consumer.subscribe({ topic: deps.adEventsTopic, fromBeginning: true });
  await deps.group.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: deps.partitions,
    eachBatch: (payload) => worker.consume(payload),
  });
  return worker;
}

class Worker implements BalanceWorker {
  readonly #deps: BalanceWorkerDeps;
  readonly #group: DecisionGroup<readonly ChargedClick[]>;
  readonly #offsets = new ClickOffsets();
  readonly #setAside: SetAsideQueue<UnreadableClick>;
  readonly #commitTimer: NodeJS.Timeout;
  /** Of the present membership; null until it has read something. */
  #commit: EachBatchPayload['commitOffsetsIfNecessary'] | null = null;
  #committing: Promise<void> | null = null;
  #stopping = false;
  #pause: Promise<void> = Promise.resolve();
  readonly #keepGoing = () => !this.#stopping;

  constructor(deps: BalanceWorkerDeps) {
    this.#deps = deps;
    this.#group = new DecisionGroup({
      maxClicks: CLICKS_PER_TRANSACTION,
      decide: (deliveries) => this.#decide(deliveries),
      publish: (deliveries, decided) => publishDecisions(deps, deliveries, decided, this.#keepGoing),
    });
    this.#setAside = new SetAsideQueue(MOST_UNREADABLE, ({ partition, message, reason }) =>
      deadLetter(deps, partition, message, reason, this.#keepGoing),
    );
    const { consumer } = deps;
    consumer.on(consumer.events.REBALANCING, () => void this.#commitOffsets());
    const forget = () => {
      this.#offsets.forget();
      this.#group.dropWaiting();
      this.#commit = null;
    };
    consumer.on(consumer.events.GROUP_JOIN, forget);
    consumer.on(consumer.events.CRASH, forget);
    this.#commitTimer = setInterval(() => void this.#commitOffsets(), COMMIT_OFFSETS_MS);
  }

  stuckMs(): number {
    return this.#group.stuckMs();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#pause = delay(READ_AGAIN_MS);
    clearInterval(this.#commitTimer);
    this.#group.dropWaiting();
    await this.#group.idle();
    await this.#committing;
    await this.#commitOffsets();
  }

  /** Throws when the group rebalances: the member then joins again without waiting for what is under way. */
  async consume(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    this.#commit = payload.commitOffsetsIfNecessary;
    const reading = this.#offsets.reading(batch.partition);
    const clicks = batch.messages.filter(isClick);
    for (let start = 0; start < clicks.length; start += CLICKS_PER_TRANSACTION) {
      const chunk = clicks.slice(start, start + CLICKS_PER_TRANSACTION);
      const [first, last] = [chunk[0], chunk[chunk.length - 1]];
      if (first === undefined || last === undefined) return;
      if (!(await this.#handIn(payload, reading, chunk, [first.offset, last.offset]))) return;
      payload.resolveOffset(last.offset);
    }
    if (payload.isStale() || !this.#offsets.isCurrent(reading)) return;
    reading.done(reading.begin(batch.lastOffset(), batch.lastOffset()));
    payload.resolveOffset(batch.lastOffset());
  }

  /** True when the partition may be read on; false when these clicks have to be read again. */
  async #handIn(
    payload: EachBatchPayload,
    reading: Reading,
    messages: readonly KafkaMessage[],
    offsets: readonly [first: string, last: string],
  ): Promise<boolean> {
    await this.#pause;
    const isOver = () => payload.isStale() || !this.#offsets.isCurrent(reading);
    if (this.#stopping || !payload.isRunning() || isOver()) return false;
    const ticket = reading.begin(...offsets);
    const { deliveries, unreadable } = readClicks(reading.partition, messages);
    const submission = this.#group.submit(deliveries);
    this.#tellWaiting();
    const aside = this.#setAside.add(unreadable);
    Promise.all([submission.done, aside.done]).then(
      ([published, setAside]) => {
        if (published && setAside) reading.done(ticket);
      },
      (error: unknown) => this.#readAgain(ticket, error),
    );
    const taken =
      this.#group.waitingClicks < MOST_WAITING
        ? Promise.race([submission.taken, delay(READ_ON_MS, true)])
        : submission.taken;
    const mayReadOn = taken.then((readOn) => (readOn ? aside.room.then(() => true) : false));
    return (await this.#untilReadOn(payload, mayReadOn)) && !isOver();
  }

  /** Waits with heartbeats; one that says that partitions move throws. */
  async #untilReadOn(payload: EachBatchPayload, readOn: Promise<boolean>): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const givenUp = new Promise<boolean>((resolve, reject) => {
      timer = setInterval(() => {
        if (payload.isRunning()) payload.heartbeat().catch(reject);
        else resolve(false);
      }, HEARTBEAT_MS);
    });
    try {
      return await Promise.race([readOn, givenUp]);
    } finally {
      clearInterval(timer);
    }
  }

  #tellWaiting(): void {
    this.#deps.metrics
      .gauge('ads_clicks_waiting', 'Clicks that are read and in no transaction yet')
      .set(this.#group.waitingClicks);
  }

  async #decide(deliveries: readonly ClickDelivery[]): Promise<readonly ChargedClick[] | null> {
    this.#tellWaiting();
    const decided = await decideClicks(this.#deps, deliveries, this.#keepGoing);
    if (decided === null) return null;
    // It is committed: the shopper's answer needs no other store.
    answerAdServers(this.#deps, deliveries, decided);
    countDecided(this.#deps, decided);
    return decided;
  }

  /** A fault of ours: nothing is skipped, nothing is committed beyond it, and it is loud. */
  #readAgain(ticket: OffsetTicket, error: unknown): void {
    const { log, consumer, adEventsTopic: topic } = this.#deps;
    const { partition } = ticket.reading;
    const offset = this.#offsets.abandon(ticket);
    log.error({ err: error, partition, fromOffset: offset }, 'clicks not decided, reading them again');
    if (offset === null) return;
    // At once: what was already read behind them is stale from here on.
    consumer.seek({ topic, partition, offset });
    this.#pause = delay(READ_AGAIN_MS);
  }

  async #commitOffsets(): Promise<void> {
    const partitions = this.#offsets.uncommitted();
    if (this.#committing !== null || this.#commit === null || partitions.length === 0) return;
    this.#committing = this.#commit({ topics: [{ topic: this.#deps.adEventsTopic, partitions }] }).then(
      () => this.#offsets.committed(partitions),
      // While partitions move; the next round, or the next owner, does it.
      (error: unknown) => this.#deps.log.debug({ error: String(error) }, 'offsets not committed'),
    );
    await this.#committing;
    this.#committing = null;
  }
}

interface UnreadableClick {
  readonly partition: number;
  readonly message: KafkaMessage;
  readonly reason: string;
}

function readClicks(
  partition: number,
  messages: readonly KafkaMessage[],
): { deliveries: ClickDelivery[]; unreadable: UnreadableClick[] } {
  const deliveries: ClickDelivery[] = [];
  const unreadable: UnreadableClick[] = [];
  for (const message of messages) {
    const parsed = parseClick(message, partition);
    if (parsed.ok) deliveries.push(parsed.delivery);
    else unreadable.push({ partition, message, reason: parsed.reason });
  }
  return { deliveries, unreadable };
}
