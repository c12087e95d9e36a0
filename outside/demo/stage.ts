import { setTimeout as delay } from 'node:timers/promises';

/** Where the story is played: addresses, the Temporal CLI, and how it is told. */
export interface Stage {
  readonly consoleUrl: string;
  readonly adServerUrl: string;
  readonly providersUrl: string;
  readonly shopApiKey: string;
  /** Runs the Temporal CLI against the server of this installation and answers its output. Rejects when it fails. */
  temporal(args: readonly string[]): Promise<string>;
  /** A new chapter. */
  chapter(title: string): void;
  /** What happened, with ids, amounts and times. */
  tell(what: string, detail?: string): void;
  /** Something that has to be true. A story goes on only while everything held. */
  check(claim: string, held: boolean, detail?: string): void;
}

const POLL_EVERY_MS = 100;

/** Asks until the answer is there. Rejects, saying for what it waited, when `withinMs` are over. */
export async function waitFor<T>(
  what: string,
  withinMs: number,
  ask: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const until = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (Date.now() > until) throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
    await delay(POLL_EVERY_MS);
  }
}

/** Won as people write it: 12,300원. */
export const won = (krw: number) => `${krw.toLocaleString('en-US')}원`;
