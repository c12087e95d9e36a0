import type { Logger } from 'pino';
import type { OrderLineCancelled, OrderLinePlaced } from '../../contracts/events/conversion-events.js';
import type { OrderCancellation, OrderRequest, OrderResult } from '../../contracts/http/ad-server-orders.js';
import { HEADER_TYPE } from '../../contracts/topics.js';
import { orderLineAmountKrw, orderLineIdOf } from '../../domain/order-line.js';
import { err, ok, type Result } from '../../domain/result.js';
import type { BatchingAppender } from '../../infra/batching-appender.js';
import { keyedHash } from '../../infra/ids.js';
import type { KafkaLink } from '../../infra/kafka-link.js';
import { appendEvents } from './append-events.js';
import { EVENT_LOG_DOWN } from './report-handler.js';

export interface AcceptOrdersDeps {
  /** Of conversion-events. */
  readonly appender: Pick<BatchingAppender, 'append'>;
  readonly link: Pick<KafkaLink, 'reachable'>;
  readonly hashKey: string;
  /** Epoch ms, business clock. */
  readonly now: () => number;
  readonly log: Logger;
}

export interface AcceptOrders {
  place(order: OrderRequest): Promise<Result<OrderResult>>;
  cancel(orderId: string, cancellation: OrderCancellation): Promise<Result<OrderResult>>;
}

/**
 * One event per order line. The ad system keeps no orders and does not know the shop's whole catalogue: products and
 * sellers are taken as told, and a line that is sent again, even with other content, is the line that came first
 * (Flink keeps the first of an event id). A cancellation needs no order to be there: it may overtake it.
 */
export function createAcceptOrders(deps: AcceptOrdersDeps): AcceptOrders {
  const record = async (orderId: string, events: readonly (OrderLinePlaced | OrderLineCancelled)[]) => {
    if (!deps.link.reachable) return err(EVENT_LOG_DOWN);
    const messages = events.map((event) => ({
      key: event.deviceHash,
      value: JSON.stringify(event),
      headers: { [HEADER_TYPE]: event.type },
    }));
    if (!(await appendEvents(deps, messages))) return err(EVENT_LOG_DOWN);
    return ok({ orderId, orderLineIds: events.map((event) => event.orderLineId) });
  };
  return {
    place: (order) => record(order.orderId, placedEvents(deps, order)),
    cancel: (orderId, cancellation) => record(orderId, cancelledEvents(deps, orderId, cancellation)),
  };
}

function placedEvents({ now, hashKey }: AcceptOrdersDeps, order: OrderRequest): OrderLinePlaced[] {
  const { orderId } = order;
  const recordedAt = now();
  const deviceHash = keyedHash(hashKey, 'device', order.deviceId);
  const orderedAt = Math.min(Date.parse(order.orderedAt), recordedAt);
  return order.lines.map((line) => {
    const orderLineId = orderLineIdOf(orderId, line.lineNo);
    return {
      eventId: `placed:${orderLineId}`,
      schemaVersion: 1,
      recordedAt,
      type: 'ORDER_LINE_PLACED',
      orderLineId,
      orderId,
      deviceHash,
      productId: line.productId,
      sellerId: line.sellerId,
      quantity: line.quantity,
      amountKrw: orderLineAmountKrw(line),
      orderedAt,
    };
  });
}

function cancelledEvents(
  { now, hashKey }: AcceptOrdersDeps,
  orderId: string,
  cancellation: OrderCancellation,
): OrderLineCancelled[] {
  const recordedAt = now();
  const deviceHash = keyedHash(hashKey, 'device', cancellation.deviceId);
  return cancellation.lines.map(({ lineNo }) => {
    const orderLineId = orderLineIdOf(orderId, lineNo);
    return {
      eventId: `cancelled:${orderLineId}`,
      schemaVersion: 1,
      recordedAt,
      type: 'ORDER_LINE_CANCELLED',
      orderLineId,
      orderId,
      deviceHash,
    };
  });
}
