import { setTimeout as delay } from 'node:timers/promises';
import { poll } from './poll.js';
import type { ClickBody, Shop, ShopAnswer, ShopClick, ShopperHeaders } from './shop.js';

const TRY_AGAIN: readonly number[] = [429, 502, 503];
const ANSWERED_WITHIN_MS = 120_000;
const DECIDED_WITHIN_MS = 60_000;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

/** As the queue of a shop: again until it is promised or refused. */
export async function answered(
  shop: Pick<Shop, 'click'>,
  click: ShopClick,
  shopper?: ShopperHeaders,
): Promise<ShopAnswer<ClickBody>> {
  const until = Date.now() + ANSWERED_WITHIN_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
    const answer = await shop.click(click, shopper).catch(() => null);
    if (answer !== null && !TRY_AGAIN.includes(answer.status)) return answer;
    if (Date.now() > until) throw new Error(`a click has no answer within ${ANSWERED_WITHIN_MS} ms`);
    await delay(pauseMs);
  }
}

type Told = Partial<Pick<ClickBody, 'outcome' | 'reason'>>;

/** `charged`, or why not; looked up while the click is only accepted. */
export async function finalOutcome(
  shop: Pick<Shop, 'clickStatus'>,
  { clickId, ...answer }: Told & Pick<ClickBody, 'clickId'>,
): Promise<string> {
  const told = (body: Told) => body.reason ?? body.outcome ?? 'unknown';
  if (answer.outcome !== 'accepted') return told(answer);
  return poll(
    `click ${clickId} is decided`,
    async () => {
      const status = await shop.clickStatus(clickId).catch(() => null);
      return status?.status === 200 ? told(status.body) : null;
    },
    DECIDED_WITHIN_MS,
    100,
  );
}
