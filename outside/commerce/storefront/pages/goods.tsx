import type { CatalogueProduct } from '../../catalogue.js';
import type { ShownAds } from '../page-ads.js';
import { wonText } from '../texts.js';
import type { Frame } from './frame.js';

export function ProductGrid({
  frame,
  products,
}: {
  readonly frame: Frame;
  readonly products: readonly CatalogueProduct[];
}) {
  return (
    <ul className="grid">
      {products.map((product) => (
        <li className="card" key={product.productId}>
          <a href={`/product/${product.productId}`}>
            <CardPicture product={product} />
            <span className="name">{product.name}</span>
            <span className="price">{wonText(frame.language, product.priceKrw)}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** The name stands beside the picture, so that the picture itself is decoration to a screen reader. */
function CardPicture({ product }: { readonly product: CatalogueProduct }) {
  return <img src={`/picture/${product.productId}.svg`} alt="" width="320" height="240" loading="lazy" />;
}

/**
 * Ads in the style of the goods, each with its label beside the name, as the law on fair labelling wants. The
 * beacon at the end is fetched when the row comes near the screen: that is when the ads count as viewed.
 */
export function AdRow({ frame, ads }: { readonly frame: Frame; readonly ads: ShownAds | null }) {
  if (ads === null) return null;
  const { texts } = frame;
  return (
    <section className="ads" aria-labelledby="ads-title">
      <h2 id="ads-title">{texts.adsTitle}</h2>
      <p className="note">{texts.adNote}</p>
      <ul className="grid">
        {ads.ads.map(({ adId, product, clickHref }) => (
          <li className="card ad" key={adId} data-ad-id={adId}>
            <a href={clickHref} rel="sponsored nofollow">
              <CardPicture product={product} />
              <span className="name">
                <span className="label">{texts.adLabel}</span> {product.name}
              </span>
              <span className="price">{wonText(frame.language, product.priceKrw)}</span>
            </a>
          </li>
        ))}
      </ul>
      <img className="beacon" src={ads.seenHref} alt="" width="1" height="1" loading="lazy" />
    </section>
  );
}

interface PagerProps {
  readonly frame: Frame;
  readonly page: number;
  readonly pageCount: number;
  readonly hrefOf: (page: number) => string;
}

export function Pager({ frame: { texts }, page, pageCount, hrefOf }: PagerProps) {
  if (pageCount <= 1) return null;
  return (
    <nav className="pager" aria-label={texts.pages}>
      {page > 1 ? (
        <a className="button quiet" rel="prev" href={hrefOf(page - 1)}>
          {texts.previous}
        </a>
      ) : null}
      <span>{texts.page(page, pageCount)}</span>
      {page < pageCount ? (
        <a className="button quiet" rel="next" href={hrefOf(page + 1)}>
          {texts.next}
        </a>
      ) : null}
    </nav>
  );
}
