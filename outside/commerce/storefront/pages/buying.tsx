import { type BasketLine, MAX_QUANTITY, type ShopOrder, type ShopOrderLine } from '../shop-memory.js';
import { dateText, type ProblemCode, type Texts, wonText } from '../texts.js';
import { EmptyState, type Frame, Page } from './frame.js';

const amountOf = ({ product, quantity }: BasketLine) => product.priceKrw * quantity;
const totalOf = (lines: readonly BasketLine[]) => lines.reduce((sum, line) => sum + amountOf(line), 0);

export function BasketPage({
  frame,
  lines,
}: {
  readonly frame: Frame;
  readonly lines: readonly BasketLine[];
}) {
  const { texts, language } = frame;
  return (
    <Page frame={frame} title={texts.basket}>
      <h1>{texts.basket}</h1>
      {lines.length === 0 ? (
        <EmptyState frame={frame} text={texts.emptyBasket} />
      ) : (
        <>
          <ul className="lines">
            {lines.map((line) => (
              <BasketRow frame={frame} line={line} key={line.product.productId} />
            ))}
          </ul>
          <form className="checkout" action="/orders" method="post">
            <p className="total">
              {texts.total} <b>{wonText(language, totalOf(lines))}</b>
            </p>
            <p className="note">{texts.demoPayment}</p>
            <button className="strong" type="submit">
              {texts.order}
            </button>
          </form>
        </>
      )}
    </Page>
  );
}

function BasketRow({ frame, line }: { readonly frame: Frame; readonly line: BasketLine }) {
  const { texts, language } = frame;
  const { product, quantity } = line;
  const field = `quantity-${product.productId}`;
  return (
    <li className="line">
      <LineGoods frame={frame} line={line} />
      <form action={`/basket/lines/${product.productId}`} method="post">
        <label htmlFor={field}>
          {texts.quantity}
          <span className="hidden"> {product.name}</span>
        </label>
        <input
          id={field}
          name="quantity"
          type="number"
          min="0"
          max={MAX_QUANTITY}
          defaultValue={quantity}
          required
        />
        <button type="submit">{texts.change}</button>
      </form>
      <form action={`/basket/lines/${product.productId}`} method="post">
        <input type="hidden" name="quantity" value="0" />
        <button className="plain" type="submit">
          {texts.remove}
          <span className="hidden"> {product.name}</span>
        </button>
      </form>
      <b className="amount">{wonText(language, amountOf(line))}</b>
    </li>
  );
}

function LineGoods({ frame, line: { product } }: { readonly frame: Frame; readonly line: BasketLine }) {
  return (
    <a className="goods" href={`/product/${product.productId}`}>
      <img src={`/picture/${product.productId}.svg`} alt="" width="96" height="72" />
      <span>
        <span className="name">{product.name}</span>
        <span className="note">{wonText(frame.language, product.priceKrw)}</span>
      </span>
    </a>
  );
}

interface OrderPageProps {
  readonly frame: Frame;
  readonly order: ShopOrder;
  readonly justPlaced: boolean;
  readonly consoleUrl: string;
  readonly sellers: readonly { readonly id: string; readonly name: string }[];
}

export function OrderPage({ frame, order, justPlaced, consoleUrl, sellers }: OrderPageProps) {
  const { texts, language } = frame;
  const open = order.lines.filter((line) => line.cancelledAt === null);
  return (
    <Page frame={frame} title={justPlaced ? texts.thanks : texts.orderDetail}>
      <h1>{justPlaced ? texts.thanks : texts.orderDetail}</h1>
      <dl className="facts">
        <dt>{texts.orderNo}</dt>
        <dd>
          <code>{order.orderId}</code>
        </dd>
        <dt>{texts.orderedAt}</dt>
        <dd>{dateText(language, order.orderedAt)}</dd>
        <dt>{texts.status}</dt>
        <dd>{statusOf(texts, order)}</dd>
      </dl>
      <ul className="lines">
        {order.lines.map((line) => (
          <OrderRow frame={frame} order={order} line={line} key={line.lineNo} />
        ))}
      </ul>
      <p className="total">
        {texts.total} <b>{wonText(language, totalOf(open))}</b>
      </p>
      <div className="actions">
        {open.length === 0 ? null : (
          <form action={`/orders/${order.orderId}/cancellations`} method="post">
            <button type="submit">{texts.cancelOrder}</button>
          </form>
        )}
        <a className="button quiet" href="/orders">
          {texts.allOrders}
        </a>
      </div>
      <aside className="demo" aria-labelledby="demo">
        <h2 id="demo">{texts.demoTitle}</h2>
        <p>{texts.demoNumbers}</p>
        <ul>
          {sellers.map(({ id, name }) => (
            <li key={id}>
              <a href={new URL(`/v1/advertisers/${id}/summary`, consoleUrl).href}>{texts.demoSeller(name)}</a>
            </li>
          ))}
          <li>
            <a href={new URL('/status', consoleUrl).href}>{texts.demoStatus}</a>
          </li>
        </ul>
      </aside>
    </Page>
  );
}

function OrderRow(props: { readonly frame: Frame; readonly order: ShopOrder; readonly line: ShopOrderLine }) {
  const { frame, order, line } = props;
  const { texts, language } = frame;
  return (
    <li className={line.cancelledAt === null ? 'line' : 'line gone'}>
      <LineGoods frame={frame} line={line} />
      <span>
        {texts.quantity} {line.quantity}
      </span>
      {line.cancelledAt === null ? (
        <form action={`/orders/${order.orderId}/cancellations`} method="post">
          <input type="hidden" name="lineNo" value={line.lineNo} />
          <button className="plain" type="submit">
            {texts.cancelLine}
            <span className="hidden"> {line.product.name}</span>
          </button>
        </form>
      ) : (
        <span>{texts.cancelled}</span>
      )}
      <b className="amount">{wonText(language, amountOf(line))}</b>
    </li>
  );
}

function statusOf(texts: Texts, order: ShopOrder): string {
  const cancelled = order.lines.filter((line) => line.cancelledAt !== null).length;
  if (cancelled === 0) return texts.placed;
  return cancelled === order.lines.length ? texts.cancelled : texts.partlyCancelled;
}

export function OrdersPage({
  frame,
  orders,
}: {
  readonly frame: Frame;
  readonly orders: readonly ShopOrder[];
}) {
  const { texts, language } = frame;
  return (
    <Page frame={frame} title={texts.orders}>
      <h1>{texts.orders}</h1>
      {orders.length === 0 ? (
        <EmptyState frame={frame} text={texts.emptyOrders} />
      ) : (
        <ul className="lines">
          {orders.map((order) => (
            <li className="line" key={order.orderId}>
              <a className="goods" href={`/orders/${order.orderId}`}>
                <span>
                  <span className="name">
                    {order.lines[0]?.product.name}
                    {order.lines.length > 1 ? ` +${order.lines.length - 1}` : ''}
                  </span>
                  <span className="note">{dateText(language, order.orderedAt)}</span>
                </span>
              </a>
              <span>{statusOf(texts, order)}</span>
              <b className="amount">{wonText(language, totalOf(order.lines))}</b>
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}

export function ProblemPage({ frame, code }: { readonly frame: Frame; readonly code: ProblemCode }) {
  const { title, detail, next } = frame.texts.problems[code];
  return (
    <Page frame={frame} title={title}>
      <h1>{title}</h1>
      <div className="empty">
        <p>{detail}</p>
        <p>{next}</p>
        <a className="button" href="/">
          {frame.texts.home}
        </a>
      </div>
    </Page>
  );
}
