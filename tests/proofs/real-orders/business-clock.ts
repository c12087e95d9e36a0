import { DEMO } from '../../../contracts/demo.js';
import type { ShopClient } from '../../../outside/commerce/shop-client/client.js';
import { type ConsoleClient, signIn } from '../../support/console.js';
import { poll } from '../../support/poll.js';

interface ClockAnswer {
  readonly now: string;
  readonly offsetMs: number;
}

/** Moves business time over HTTP, and knows when the ad server follows. */
export class ProofClock {
  private offsetMs = 0;
  moves = 0;

  private constructor(
    private readonly finance: ConsoleClient,
    private readonly shop: ShopClient,
  ) {}

  static async open(consoleUrl: string, shop: ShopClient): Promise<ProofClock> {
    const clock = new ProofClock(await signIn(consoleUrl, DEMO.financeEmail, DEMO.password), shop);
    await clock.read();
    return clock;
  }

  /** Business time, epoch ms. */
  now(): number {
    return Date.now() + this.offsetMs;
  }

  async moveTo(ms: number): Promise<void> {
    await this.read();
    const byMs = Math.round(ms - this.now());
    if (byMs < 1) throw new Error(`the replay is ${-byMs} ms behind its plan`);
    const moved = await this.finance.post<ClockAnswer>('/v1/business-clock/advances', { byMs });
    if (moved.status !== 201) throw new Error(`the clock did not move: ${JSON.stringify(moved.body)}`);
    this.offsetMs = moved.body.offsetMs;
    this.moves += 1;
    const follows = async () => ((await this.issuedAt()) ?? 0) >= ms;
    await poll('the ad server follows the clock', follows, 30_000, 50);
  }

  private async read(): Promise<void> {
    const { body } = await this.finance.get<ClockAnswer>('/v1/business-clock');
    this.offsetMs = body.offsetMs;
  }

  /** When the ad server thinks it is: the issue time that stands first in a click token. */
  private async issuedAt(): Promise<number | null> {
    const answer = await this.shop.fetchAds({ placement: 'HOME', deviceId: 'clock-watcher', maxAds: 1 });
    const payload = answer.clickToken.split('.')[2];
    if (payload === undefined) return null;
    return Number(/\d{13}/.exec(Buffer.from(payload, 'base64url').toString('utf8'))?.[0]);
  }
}
