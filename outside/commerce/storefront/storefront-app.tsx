import { readFileSync } from 'node:fs';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { registerAdReports } from './ad-routes.js';
import { registerBrowsing } from './browsing-routes.js';
import { registerBuying } from './buying-routes.js';
import { ProblemPage } from './pages/buying.js';
import { productPicture } from './picture.js';
import { found, frameOf, type Shop, ShopProblem, showPage } from './shop.js';
import type { ProblemCode } from './texts.js';
import { isForeignForm, securityHeaders, visitOf } from './visit.js';

const STYLE = readFileSync(new URL('./assets/style.css', import.meta.url), 'utf8');
const KEPT_BY_BROWSERS = 'public, max-age=3600';

/** The whole shop on one page: what looks, what buys, what tells the ad system, and the answers to errors. */
export function createStorefrontApp(shop: Shop): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(securityHeaders);
  app.use((req, _res, next) => next(isForeignForm(req) ? new ShopProblem(403, 'foreign_form') : undefined));
  registerAssets(app, shop);
  registerBrowsing(app, shop);
  registerBuying(app, shop);
  registerAdReports(app, shop);
  app.use(() => {
    throw new ShopProblem(404, 'not_found');
  });
  app.use(problemPages(shop));
  return app;
}

function registerAssets(app: Express, { shelves }: Shop): void {
  app.get('/health', (_req, res) => void res.json({ ok: true }));
  app.get(
    '/style.css',
    (_req, res) => void res.set('cache-control', KEPT_BY_BROWSERS).type('css').send(STYLE),
  );
  app.get('/icon.svg', (_req, res) => {
    res.set('cache-control', KEPT_BY_BROWSERS).type('svg').send(productPicture('icon', 'bags'));
  });
  app.get('/picture/:file', (req, res) => {
    const [productId = '', ending] = req.params.file.split('.', 2);
    const product = found(ending === 'svg' ? shelves.find(productId) : undefined);
    res
      .set('cache-control', KEPT_BY_BROWSERS)
      .type('svg')
      .send(productPicture(product.productId, product.categoryId));
  });
}

/** Every error is a page in the shop's own style, with what to do next. Only bugs are logged. */
function problemPages(shop: Shop): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    const { status, code } = problemOf(error);
    if (code === 'internal') shop.log.error({ err: error, path: req.path }, 'the shop failed');
    showPage(res, <ProblemPage frame={frameOf(shop, visitOf(req, res), req)} code={code} />, status);
  };
}

function problemOf(error: unknown): { readonly status: number; readonly code: ProblemCode } {
  if (error instanceof ShopProblem) return error;
  // Express and its body parser put the status on their own errors: broken escapes, bodies too large.
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  return status >= 400 && status < 500
    ? { status, code: 'invalid_request' }
    : { status: 500, code: 'internal' };
}
