import { createRequire } from 'node:module';
import path from 'node:path';
import express, { type Express } from 'express';
import { z } from 'zod';
import { generateOpenApi } from '../kit/openapi.js';
import { defineRoute, type RouteDefinition, type RouteDoc } from '../kit/route.js';

/** One document for both servers: the shop's engineer and the seller's tool builder read the same page. */
export function describeApi(docs: readonly RouteDoc[]): Record<string, unknown> {
  return generateOpenApi(docs, {
    title: 'Sponsored products',
    version: '1',
    description: [
      'Cost-per-click sponsored products: ads and clicks for the shop (API key), everything else for sellers,',
      'admins and finance (session). Amounts are whole won with VAT. Errors are `application/problem+json` with a',
      'stable `code`. Lists take `limit` and `cursor` and answer `nextCursor`. Every answer carries',
      '`x-correlation-id`; send your own to find a request again in our logs.',
    ].join(' '),
  });
}

/** `GET /openapi.json`, over the given routes and itself. */
export function openApiRoute(docs: readonly RouteDoc[]): RouteDefinition {
  let document: Record<string, unknown> | undefined;
  const route: RouteDefinition = defineRoute({
    method: 'get',
    path: '/openapi.json',
    summary: 'This description.',
    tags: ['Documentation'],
    access: { public: true },
    responses: { 200: { description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.unknown()) } },
    handler: async () => {
      document ??= describeApi([...docs, route]);
      return { status: 200, body: document };
    },
  });
  return route;
}

const PAGE = `<!doctype html>
<html lang="ko">
<head>
<meta charset="utf-8">
<title>Sponsored products API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers['x-csrf'] = '1';
    return request;
  },
});
`;

const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js'];
const DAY_MS = 86_400_000;

/** `/docs`: the same description to read and try, from our own files, without an inline script. */
export function mountDocs(app: Express): void {
  const folder = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  app.get('/docs', (_req, res) => {
    res.type('html').send(PAGE);
  });
  app.get('/docs/start.js', (_req, res) => {
    res.type('text/javascript').send(START);
  });
  for (const asset of ASSETS) {
    app.use(`/docs/${asset}`, express.static(path.join(folder, asset), { etag: false, maxAge: DAY_MS }));
  }
}
