import type { Express } from 'express';
import type { CatalogueProduct } from '../catalogue.js';
import { SHOP_CATEGORIES } from '../categories.js';
import { SHOP_SELLERS } from '../sellers.js';
import { categoryQuery, plainQuery, type Sort, searchQuery } from './inputs.js';
import { CategoryPage, HomePage, type Listing, ProductPage, SearchPage } from './pages/browsing.js';
import { found, openPage, parsed, type Shop, showPage } from './shop.js';

const ADS_ON_PAGE = 5;
const ADS_BESIDE_PRODUCT = 4;
const BEST_SELLERS = 15;
const SIMILAR = 5;
const PER_PAGE = 25;

/** The pages that shoppers look around in; each shows ads for its own placement. */
export function registerBrowsing(app: Express, shop: Shop): void {
  const { shelves } = shop;

  app.get('/', async (req, res) => {
    const { notice } = parsed(plainQuery, req.query);
    const ads = { placement: 'HOME', maxAds: ADS_ON_PAGE } as const;
    const page = await openPage(shop, req, res, { notice, ads });
    showPage(res, <HomePage {...page} products={shelves.popular.slice(0, BEST_SELLERS)} />);
  });

  app.get('/category/:categoryId', async (req, res) => {
    const query = parsed(categoryQuery, req.query);
    const category = found(SHOP_CATEGORIES.find(({ id }) => id === req.params.categoryId));
    const listing = listingOf(sorted(shelves.inCategory(category.id), query.sort), query.page);
    const ads = { placement: 'CATEGORY', category: category.id, maxAds: ADS_ON_PAGE } as const;
    const page = await openPage(shop, req, res, { notice: query.notice, ads });
    showPage(res, <CategoryPage {...page} category={category} listing={listing} sort={query.sort} />);
  });

  app.get('/search', async (req, res) => {
    const { q, page: wanted, notice } = parsed(searchQuery, req.query);
    const listing = listingOf(shelves.search(q), wanted);
    const ads = q === '' ? {} : { ads: { placement: 'SEARCH', query: q, maxAds: ADS_ON_PAGE } as const };
    const page = await openPage(shop, req, res, { notice, query: q, ...ads });
    showPage(res, <SearchPage {...page} listing={listing} />);
  });

  app.get('/product/:productId', async (req, res) => {
    const { notice } = parsed(plainQuery, req.query);
    const product = found(shelves.find(req.params.productId));
    const category = found(SHOP_CATEGORIES.find(({ id }) => id === product.categoryId));
    const ads = {
      placement: 'PRODUCT_DETAIL',
      category: category.id,
      productId: product.productId,
      maxAds: ADS_BESIDE_PRODUCT,
    } as const;
    const page = await openPage(shop, req, res, { notice, ads });
    const sellerName = SHOP_SELLERS.find(({ id }) => id === product.sellerId)?.name ?? product.sellerId;
    const similar = shelves.inCategory(category.id).filter((other) => other !== product);
    showPage(
      res,
      <ProductPage
        {...page}
        product={product}
        category={category}
        sellerName={sellerName}
        similar={similar.slice(0, SIMILAR)}
      />,
    );
  });
}

function sorted(products: readonly CatalogueProduct[], sort: Sort): readonly CatalogueProduct[] {
  if (sort === 'popular') return products;
  const sign = sort === 'cheap' ? 1 : -1;
  return [...products].sort((a, b) => sign * (a.priceKrw - b.priceKrw));
}

/** A page behind the last one does not exist. */
function listingOf(products: readonly CatalogueProduct[], page: number): Listing {
  const pageCount = Math.max(1, Math.ceil(products.length / PER_PAGE));
  found(page <= pageCount ? page : undefined);
  const start = (page - 1) * PER_PAGE;
  return { products: products.slice(start, start + PER_PAGE), total: products.length, page, pageCount };
}
