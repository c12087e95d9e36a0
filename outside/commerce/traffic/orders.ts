import type { CatalogueProduct } from '../catalogue.js';
import type { ShopAction } from '../order-import.js';
import type { DueAction } from './order-replay.js';
import { noteReport, paced, type TrafficWorld } from './traffic-world.js';
import { browse, visitorOf } from './visit.js';

type FeedOrder = Extract<ShopAction, { kind: 'order' }>;
type FeedCancellation = Extract<ShopAction, { kind: 'cancellation' }>;

/** The orders that this replay has begun; a cancellation of any other is not sent. One fortnight's worth. */
export class OrdersOfLoop {
  private loop = 0;
  private readonly begun = new Set<string>();

  constructor(private readonly run: string) {}

  /** The feed's numbers, made this run's and this fortnight's own. */
  idOf({ action, loop }: DueAction): string {
    return `${action.orderId}.${this.run}.${loop}`;
  }

  begin(due: DueAction): void {
    if (due.loop !== this.loop) {
      this.loop = due.loop;
      this.begun.clear();
    }
    this.begun.add(this.idOf(due));
  }

  isBegun(due: DueAction): boolean {
    return this.begun.has(this.idOf(due));
  }
}

/** A real customer looks around in the categories of the basket, and then orders it as it was. */
export async function buyBasket(world: TrafficWorld, orderId: string, order: FeedOrder): Promise<void> {
  const interests = order.lines.flatMap(({ productId }) => world.shelves.find(productId)?.categoryId ?? []);
  await browse(world, visitorOf(order.deviceId, [...new Set(interests)]));
  await sendOrder(world, orderId, order.deviceId, order.lines);
  world.counts.feedOrders += 1;
}

const SECOND_THOUGHTS_MS = 8_000;

/** Some visitors buy what they clicked, a single piece of it; some of them think better of it. */
export async function buyClicked(
  world: TrafficWorld,
  deviceId: string,
  products: readonly CatalogueProduct[],
): Promise<void> {
  for (const { productId, sellerId, priceKrw } of products) {
    if (world.random() >= world.pace.buyAfterClick) continue;
    const line = { lineNo: 1, productId, sellerId, quantity: 1, unitPriceKrw: priceKrw };
    const orderId = world.newName('clicked');
    await sendOrder(world, orderId, deviceId, [line]);
    world.counts.boughtAfterClick += 1;
    if (world.random() >= world.pace.cancelAfterBuy) continue;
    await world.pause(SECOND_THOUGHTS_MS);
    await cancelBasket(world, orderId, { deviceId, lines: [{ lineNo: line.lineNo }] });
  }
}

async function sendOrder(
  world: TrafficWorld,
  orderId: string,
  deviceId: string,
  lines: FeedOrder['lines'],
): Promise<void> {
  const body = { orderId, deviceId, orderedAt: new Date().toISOString(), lines };
  noteReport(world, await paced(world, (client) => client.reportOrder(body)));
}

export async function cancelBasket(
  world: TrafficWorld,
  orderId: string,
  { deviceId, lines }: Pick<FeedCancellation, 'deviceId' | 'lines'>,
): Promise<void> {
  noteReport(world, await paced(world, (client) => client.cancelOrder(orderId, { deviceId, lines })));
  world.counts.cancellations += 1;
}
