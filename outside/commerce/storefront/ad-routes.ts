import { setTimeout as delay } from 'node:timers/promises';
import type { Express } from 'express';
import { clickQuery, seenQuery } from './inputs.js';
import { found, parsed, type Shop } from './shop.js';
import { visitOf } from './visit.js';

/** How long a click holds its shopper; the report itself goes on behind the redirect. */
const REDIRECT_WITHIN_MS = 500;

const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** What the shop tells the ad system about its ads: this one was clicked, these came into view. */
export function registerAdReports(app: Express, shop: Shop): void {
  const { client, shelves } = shop;

  /** Always goes on to the product, and never anywhere else. */
  app.get('/click', async (req, res) => {
    const { token, ad, product: productId } = parsed(clickQuery, req.query);
    const product = found(shelves.find(productId));
    const { deviceId, shopper } = visitOf(req, res);
    const click = client.reportClick({ clickToken: token, deviceId }, { adId: ad }, shopper);
    await Promise.race([click, delay(REDIRECT_WITHIN_MS)]);
    res.redirect(303, `/product/${product.productId}`);
  });

  app.get('/seen.gif', (req, res) => {
    const { token, ads } = parsed(seenQuery, req.query);
    const { deviceId } = visitOf(req, res);
    const seen = ads.map((adId) => ({ adId }));
    void client.reportImpressions({ clickToken: token, deviceId }, seen);
    res.type('gif').send(PIXEL);
  });
}
