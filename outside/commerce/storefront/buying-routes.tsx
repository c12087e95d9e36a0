import { type Express, urlencoded } from 'express';
import { SHOP_SELLERS } from '../sellers.js';
import {
  addToBasketForm,
  cancellationForm,
  changeBasketForm,
  emptyForm,
  languageForm,
  orderQuery,
  plainQuery,
} from './inputs.js';
import { BasketPage, OrderPage, OrdersPage } from './pages/buying.js';
import { found, goTo, openPage, parsed, type Shop, showPage } from './shop.js';
import type { ShopOrder } from './shop-memory.js';
import { rememberLanguage, visitOf } from './visit.js';

const form = urlencoded({ extended: false, limit: '4kb', parameterLimit: 20 });

/** Basket, orders and their cancellation. The shopper never waits for the ad system here. */
export function registerBuying(app: Express, shop: Shop): void {
  registerBasket(app, shop);
  registerOrders(app, shop);
  app.post('/language', form, (req, res) => {
    const { language, to } = parsed(languageForm, req.body);
    rememberLanguage(req, res, language);
    goTo(res, to);
  });
}

function registerBasket(app: Express, shop: Shop): void {
  const { memory, shelves } = shop;

  app.get('/basket', async (req, res) => {
    const { notice } = parsed(plainQuery, req.query);
    const { frame, visit } = await openPage(shop, req, res, { notice });
    showPage(res, <BasketPage frame={frame} lines={memory.basketOf(visit.deviceId)} />);
  });

  app.post('/basket/lines', form, (req, res) => {
    const { productId, quantity, onward } = parsed(addToBasketForm, req.body);
    const product = found(shelves.find(productId));
    const added = memory.add(visitOf(req, res).deviceId, product, quantity);
    const back = onward === 'basket' ? '/basket' : `/product/${product.productId}`;
    goTo(res, back, added ? 'added' : 'basket_full');
  });

  app.post('/basket/lines/:productId', form, (req, res) => {
    const { quantity } = parsed(changeBasketForm, req.body);
    const product = found(shelves.find(String(req.params.productId)));
    const changed = memory.setQuantity(visitOf(req, res).deviceId, product, quantity);
    goTo(res, '/basket', changed ? 'changed' : 'basket_full');
  });
}

function registerOrders(app: Express, shop: Shop): void {
  const { memory, client } = shop;

  app.get('/orders', async (req, res) => {
    const { notice } = parsed(plainQuery, req.query);
    const { frame, visit } = await openPage(shop, req, res, { notice });
    showPage(res, <OrdersPage frame={frame} orders={memory.ordersOf(visit.deviceId)} />);
  });

  app.get('/orders/:orderId', async (req, res) => {
    const { notice, placed } = parsed(orderQuery, req.query);
    const { frame, visit } = await openPage(shop, req, res, { notice });
    const order = found(memory.orderOf(visit.deviceId, req.params.orderId));
    const page = { frame, order, justPlaced: placed === '1', consoleUrl: shop.consoleUrl };
    showPage(res, <OrderPage {...page} sellers={sellersOf(order)} />);
  });

  app.post('/orders', form, (req, res) => {
    parsed(emptyForm, req.body);
    const { deviceId } = visitOf(req, res);
    const order = memory.placeOrder(deviceId);
    if (order === null) {
      goTo(res, '/basket', 'basket_empty');
      return;
    }
    void client.reportOrder({
      orderId: order.orderId,
      deviceId,
      orderedAt: new Date(order.orderedAt).toISOString(),
      lines: order.lines.map(({ lineNo, product, quantity }) => ({
        lineNo,
        productId: product.productId,
        sellerId: product.sellerId,
        quantity,
        unitPriceKrw: product.priceKrw,
      })),
    });
    goTo(res, `/orders/${order.orderId}?placed=1`);
  });

  app.post('/orders/:orderId/cancellations', form, (req, res) => {
    const { lineNo } = parsed(cancellationForm, req.body);
    const { deviceId } = visitOf(req, res);
    const order = found(memory.orderOf(deviceId, String(req.params.orderId)));
    if (lineNo !== undefined) found(order.lines.find((line) => line.lineNo === lineNo));
    const cancelled = memory.cancel(deviceId, order.orderId, lineNo ?? null);
    if (cancelled.length > 0) {
      const lines = cancelled.map((line) => ({ lineNo: line.lineNo }));
      void client.cancelOrder(order.orderId, { deviceId, lines });
    }
    goTo(res, `/orders/${order.orderId}`, cancelled.length > 0 ? 'cancelled' : 'already_cancelled');
  });
}

function sellersOf(order: ShopOrder) {
  const ids = new Set(order.lines.map(({ product }) => product.sellerId));
  return SHOP_SELLERS.filter(({ id }) => ids.has(id)).map(({ id, name }) => ({ id, name }));
}
