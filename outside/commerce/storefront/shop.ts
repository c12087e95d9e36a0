import type { Request, Response } from 'express';
import type { ReactNode } from 'react';
import type { z } from 'zod';
import type { Shelves } from '../shelves.js';
import type { ShopClient } from '../shop-client/client.js';
import type { AdQuery, ShopLog } from '../shop-client/types.js';
import { adsForPage, type ShownAds } from './page-ads.js';
import { documentOf, type Frame } from './pages/frame.js';
import type { ShopMemory } from './shop-memory.js';
import { type NoticeCode, type ProblemCode, textsOf } from './texts.js';
import { type Visit, visitOf } from './visit.js';

/** What the routes of the shop work with. */
export interface Shop {
  readonly shelves: Shelves;
  readonly memory: ShopMemory;
  readonly client: ShopClient;
  readonly consoleUrl: string;
  readonly log: ShopLog;
}

/** An answer that is not the page that was asked for; the error handler shows it as a page with this status. */
export class ShopProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: ProblemCode,
  ) {
    super(code);
  }
}

/** The input as its schema wants it, or a 400 page. */
export function parsed<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input ?? {});
  if (!result.success) throw new ShopProblem(400, 'invalid_request');
  return result.data;
}

export function found<T>(value: T | undefined): T {
  if (value === undefined) throw new ShopProblem(404, 'not_found');
  return value;
}

interface FrameOptions {
  readonly notice?: NoticeCode | undefined;
  readonly query?: string;
}

export function frameOf(shop: Shop, visit: Visit, req: Request, options: FrameOptions = {}): Frame {
  const lines = shop.memory.basketOf(visit.deviceId);
  return {
    language: visit.language,
    texts: textsOf(visit.language),
    // A page that answers a form has no address to come back to.
    here: req.method === 'GET' ? req.originalUrl : '/',
    basketCount: lines.reduce((sum, line) => sum + line.quantity, 0),
    query: options.query ?? '',
    notice: options.notice ?? null,
  };
}

/** The visit and its frame, with the ads that this page asks for. A page asked for by HEAD shows none. */
export async function openPage(
  shop: Shop,
  req: Request,
  res: Response,
  options: FrameOptions & { readonly ads?: Omit<AdQuery, 'deviceId'> } = {},
): Promise<{ readonly frame: Frame; readonly visit: Visit; readonly ads: ShownAds | null }> {
  const visit = visitOf(req, res);
  const asks = options.ads !== undefined && req.method === 'GET';
  const ads = asks
    ? await adsForPage(shop.client, shop.shelves, { ...options.ads, deviceId: visit.deviceId }, visit.shopper)
    : null;
  return { visit, frame: frameOf(shop, visit, req, options), ads };
}

export function showPage(res: Response, page: ReactNode, status = 200): void {
  res.status(status).type('html').send(documentOf(page));
}

/** After a form: the next page is fetched by GET, so that reloading it sends nothing again. */
export function goTo(res: Response, path: string, notice?: NoticeCode): void {
  res.redirect(303, notice === undefined ? path : `${path}${path.includes('?') ? '&' : '?'}notice=${notice}`);
}
