import { connect } from 'node:net';
import { join } from 'node:path';
import { lockHolder, type ProcessIdentity, tryLock } from './bootstrap/lock.mjs';
import { locksRoot, slotDataDir } from './bootstrap/places.mjs';
import { endLeftovers } from './leftovers.js';

/** A slot is a block of 100 ports. Slot 0 is `npm start`; 1 to 9 are for tests and other clones. */
export const FIRST_TEST_SLOT = 1;
export const LAST_SLOT = 9;
const BASE_PORT = 18_000;

/** Offsets within a slot: the whole port plan. */
export const PORT_OFFSETS = {
  adServer: 0,
  consoleApi: 1,
  postgres: 10,
  redis: 11,
  kafka: 12,
  kafkaController: 13,
  flinkRest: 14,
  flinkGateway: 15,
  flinkRpc: 16,
  flinkTaskManager: 17,
  temporalGrpc: 18,
  temporalHttp: 19,
  temporalUi: 20,
  temporalMetrics: 21,
  adServerOps: 30,
  balanceWorkerOps: 31,
  backOfficeOps: 32,
  backgroundOps: 33,
  outsideOps: 34,
  providers: 40,
  mailbox: 41,
  storefront: 42,
} as const;

export type PortName = keyof typeof PORT_OFFSETS;
export type Ports = Readonly<Record<PortName, number>>;

export function portsOf(slot: number): Ports {
  if (!Number.isInteger(slot) || slot < 0 || slot > LAST_SLOT)
    throw new Error(`slot ${slot}: use 0 to ${LAST_SLOT}`);
  const port = (name: PortName) => BASE_PORT + 100 * slot + PORT_OFFSETS[name];
  return {
    adServer: port('adServer'),
    consoleApi: port('consoleApi'),
    postgres: port('postgres'),
    redis: port('redis'),
    kafka: port('kafka'),
    kafkaController: port('kafkaController'),
    flinkRest: port('flinkRest'),
    flinkGateway: port('flinkGateway'),
    flinkRpc: port('flinkRpc'),
    flinkTaskManager: port('flinkTaskManager'),
    temporalGrpc: port('temporalGrpc'),
    temporalHttp: port('temporalHttp'),
    temporalUi: port('temporalUi'),
    temporalMetrics: port('temporalMetrics'),
    adServerOps: port('adServerOps'),
    balanceWorkerOps: port('balanceWorkerOps'),
    backOfficeOps: port('backOfficeOps'),
    backgroundOps: port('backgroundOps'),
    outsideOps: port('outsideOps'),
    providers: port('providers'),
    mailbox: port('mailbox'),
    storefront: port('storefront'),
  };
}

/** The right to use a slot of this machine, until `release`. */
export interface SlotLock {
  readonly slot: number;
  readonly release: () => void;
}

export interface SlotHolder extends ProcessIdentity {
  readonly dataDir: string;
}

export const slotLockPath = (slot: number) => join(locksRoot(), `slot-${slot}.lock`);

export function slotHolder(slot: number): SlotHolder | undefined {
  const holder = lockHolder(slotLockPath(slot));
  return holder === undefined ? undefined : { ...holder, dataDir: String(holder.dataDir) };
}

/**
 * Takes a slot and ends what a killed supervisor left behind in it.
 * @throws when another living process has it, or when a stranger listens on one of its ports.
 */
export async function acquireSlot(slot: number): Promise<SlotLock> {
  const release = tryLock(slotLockPath(slot), { slot, dataDir: slotDataDir(slot) });
  if (release === undefined) {
    throw new SlotTakenError(`slot ${slot} is in use by process ${slotHolder(slot)?.pid ?? 'unknown'}`);
  }
  try {
    await endLeftovers(slot);
    const taken = await listeningPorts(portsOf(slot));
    if (taken.length > 0)
      throw new SlotTakenError(`slot ${slot}: other programs listen on ${taken.join(', ')}`);
    return { slot, release };
  } catch (error) {
    release();
    throw error;
  }
}

export class SlotTakenError extends Error {}

/** The first free test slot. @throws when none is free. */
export async function acquireFreeSlot(): Promise<SlotLock> {
  const reasons: string[] = [];
  for (let slot = FIRST_TEST_SLOT; slot <= LAST_SLOT; slot += 1) {
    try {
      return await acquireSlot(slot);
    } catch (error) {
      if (!(error instanceof SlotTakenError)) throw error;
      reasons.push(error.message);
    }
  }
  throw new Error(`no free slot:\n${reasons.map((reason) => `  - ${reason}`).join('\n')}`);
}

/** Which of these ports something answers on, as "name port". */
export async function listeningPorts(ports: Ports): Promise<string[]> {
  const answers = await Promise.all(
    Object.entries(ports).map(async ([name, port]) =>
      (await isListening(port)) ? `${name} ${port}` : undefined,
    ),
  );
  return answers.filter((answer) => answer !== undefined);
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const answer = (listening: boolean) => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => answer(true)).once('error', () => answer(false));
  });
}
