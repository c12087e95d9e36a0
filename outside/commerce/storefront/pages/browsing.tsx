import type { CatalogueProduct } from '../../catalogue.js';
import { SHOP_CATEGORIES, type ShopCategory } from '../../categories.js';
import { SEARCH_WORDS } from '../../shelves.js';
import { SORTS, type Sort } from '../inputs.js';
import type { ShownAds } from '../page-ads.js';
import { MAX_QUANTITY } from '../shop-memory.js';
import { categoryName, wonText } from '../texts.js';
import { type Frame, Page } from './frame.js';
import { AdRow, Pager, ProductGrid } from './goods.js';

interface WithAds {
  readonly frame: Frame;
  readonly ads: ShownAds | null;
}

export function HomePage({
  frame,
  ads,
  products,
}: WithAds & { readonly products: readonly CatalogueProduct[] }) {
  const { texts } = frame;
  return (
    <Page frame={frame} title="">
      <h1>{texts.tagline}</h1>
      <AdRow frame={frame} ads={ads} />
      <section aria-labelledby="best">
        <h2 id="best">{texts.bestSellers}</h2>
        <ProductGrid frame={frame} products={products} />
      </section>
      <CategoryTiles frame={frame} />
    </Page>
  );
}

function CategoryTiles({ frame }: { readonly frame: Frame }) {
  return (
    <section aria-labelledby="tiles">
      <h2 id="tiles">{frame.texts.browse}</h2>
      <ul className="tiles">
        {SHOP_CATEGORIES.map((category) => (
          <li key={category.id}>
            <a href={`/category/${category.id}`}>{categoryName(frame.language, category)}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}

export interface Listing {
  readonly products: readonly CatalogueProduct[];
  readonly total: number;
  readonly page: number;
  readonly pageCount: number;
}

interface CategoryPageProps extends WithAds {
  readonly category: ShopCategory;
  readonly listing: Listing;
  readonly sort: Sort;
}

export function CategoryPage({ frame, ads, category, listing, sort }: CategoryPageProps) {
  const { texts } = frame;
  const hrefOf = (page: number, by: Sort) => `/category/${category.id}?sort=${by}&page=${page}`;
  const name = categoryName(frame.language, category);
  return (
    <Page frame={frame} title={name} activeCategory={category.id}>
      <h1>{name}</h1>
      <AdRow frame={frame} ads={ads} />
      <section aria-label={name}>
        <div className="listing-head">
          <p>{texts.goods(listing.total)}</p>
          <nav aria-label={texts.sortBy}>
            <ul className="sorts">
              {SORTS.map((by) => (
                <li key={by}>
                  <a href={hrefOf(1, by)} aria-current={by === sort ? 'true' : undefined}>
                    {texts.sorts[by]}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
        </div>
        <ProductGrid frame={frame} products={listing.products} />
        <Pager
          frame={frame}
          page={listing.page}
          pageCount={listing.pageCount}
          hrefOf={(page) => hrefOf(page, sort)}
        />
      </section>
    </Page>
  );
}

export function SearchPage({ frame, ads, listing }: WithAds & { readonly listing: Listing }) {
  const { texts, query } = frame;
  const hrefOf = (page: number) => `/search?${new URLSearchParams({ q: query, page: String(page) })}`;
  const title = query === '' ? texts.search : texts.found(query);
  return (
    <Page frame={frame} title={title}>
      <h1>{title}</h1>
      <AdRow frame={frame} ads={ads} />
      {listing.total === 0 ? (
        <SearchAdvice frame={frame} />
      ) : (
        <section aria-label={title}>
          <p>{texts.goods(listing.total)}</p>
          <ProductGrid frame={frame} products={listing.products} />
          <Pager frame={frame} page={listing.page} pageCount={listing.pageCount} hrefOf={hrefOf} />
        </section>
      )}
    </Page>
  );
}

function SearchAdvice({ frame }: { readonly frame: Frame }) {
  const { texts } = frame;
  return (
    <>
      <p className="empty">{frame.query === '' ? texts.emptySearch : texts.nothingFound}</p>
      <h2>{texts.tryWords}</h2>
      <ul className="words">
        {Object.values(SEARCH_WORDS)
          .flatMap((words) => words.slice(0, 2))
          .map((word) => (
            <li key={word}>
              <a href={`/search?${new URLSearchParams({ q: word })}`}>{word}</a>
            </li>
          ))}
      </ul>
      <CategoryTiles frame={frame} />
    </>
  );
}

interface ProductPageProps extends WithAds {
  readonly product: CatalogueProduct;
  readonly category: ShopCategory;
  readonly sellerName: string;
  readonly similar: readonly CatalogueProduct[];
}

export function ProductPage({ frame, ads, product, category, sellerName, similar }: ProductPageProps) {
  const { texts, language } = frame;
  return (
    <Page frame={frame} title={product.name} activeCategory={category.id}>
      <article className="product">
        <img
          src={`/picture/${product.productId}.svg`}
          alt={texts.pictureOf(product.name)}
          width="320"
          height="240"
        />
        <div>
          <p className="crumb">
            <a href={`/category/${category.id}`}>{categoryName(language, category)}</a>
          </p>
          <h1>{product.name}</h1>
          <p className="price big">{wonText(language, product.priceKrw)}</p>
          <p>
            {texts.soldBy}: {sellerName}
          </p>
          <form className="buy" action="/basket/lines" method="post">
            <input type="hidden" name="productId" value={product.productId} />
            <label htmlFor="quantity">{texts.quantity}</label>
            <input
              id="quantity"
              name="quantity"
              type="number"
              min="1"
              max={MAX_QUANTITY}
              defaultValue="1"
              required
            />
            <button type="submit">{texts.addToBasket}</button>
            <button className="strong" type="submit" name="onward" value="basket">
              {texts.buyNow}
            </button>
          </form>
        </div>
      </article>
      <AdRow frame={frame} ads={ads} />
      <section aria-labelledby="similar">
        <h2 id="similar">{texts.similar}</h2>
        <ProductGrid frame={frame} products={similar} />
      </section>
    </Page>
  );
}
