import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API_SCOPES } from '../../domain/access.js';
import { createApiKey } from '../../operations/api-keys.js';
import { registerAdvertiser } from '../../operations/register-advertiser.js';
import { type IdentityConsole, startIdentityConsole } from './identity-console.js';

let consoleApi: IdentityConsole;
let key: string;

beforeAll(async () => {
  consoleApi = await startIdentityConsole();
  const { prisma, config, pool } = consoleApi.deps;
  const by = { actorId: 'usr_admin', actorRole: 'admin', via: 'cli' } as const;
  key = (await createApiKey({ prisma, hashKey: config.HASH_KEY }, { name: 'feed', scopes: API_SCOPES }, by))
    .key;
  await registerAdvertiser(pool, { advertiserId: 'adv_f1', name: '가게', businessNumber: '1248100998' });
});
afterAll(() => consoleApi.close());

const product = {
  productId: 'prd_f1',
  sellerId: 'adv_f1',
  categoryId: 'cat_f',
  name: '빨간 머그',
  priceKrw: 3_400,
  popularity: 0,
};
const send = (body: unknown) => consoleApi.call('/v1/product-feed', { method: 'PUT', token: key, body });
const count = async () =>
  Number((await consoleApi.deps.pool.query('SELECT count(*) AS n FROM product')).rows[0]?.n);

describe('the shop’s product feed', () => {
  test('takes good rows and names the others with their reason', async () => {
    const answer = await send({
      categories: [{ id: 'cat_f', name: '주방' }],
      products: [
        product,
        product,
        { ...product, productId: 'prd_f2', sellerId: 'adv_nobody' },
        { ...product, productId: 'prd_f3', categoryId: 'cat_none' },
      ],
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      imported: 1,
      rejected: [
        { productId: 'prd_f1', reason: 'repeated_in_feed' },
        { productId: 'prd_f2', reason: 'unknown_seller' },
        { productId: 'prd_f3', reason: 'unknown_category' },
      ],
    });
  });

  test('takes a category that is named twice once, with its last name', async () => {
    const categories = [
      { id: 'cat_twice', name: '옛 이름' },
      { id: 'cat_twice', name: '새 이름' },
    ];
    expect((await send({ categories, products: [] })).status).toBe(200);
    const { rows } = await consoleApi.deps.pool.query('SELECT name FROM category WHERE id = $1', [
      'cat_twice',
    ]);
    expect(rows).toEqual([{ name: '새 이름' }]);
  });

  test('parts that come at once in opposite order are all taken', async () => {
    const products = Array.from({ length: 200 }, (_, index) => ({ ...product, productId: `prd_o${index}` }));
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        send({ products: index % 2 === 0 ? products : products.toReversed() }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  });

  test('updates a known product when it comes again', async () => {
    expect((await send({ products: [{ ...product, priceKrw: 3_900 }] })).status).toBe(200);
    const { rows } = await consoleApi.deps.pool.query('SELECT price_krw FROM product WHERE id = $1', [
      'prd_f1',
    ]);
    expect(Number(rows[0]?.price_krw)).toBe(3_900);
  });

  test.each([
    ['no products', {}],
    ['a price of nothing', { products: [{ ...product, productId: 'prd_x', priceKrw: 0 }] }],
    ['half a won', { products: [{ ...product, productId: 'prd_x', priceKrw: 10.5 }] }],
    ['an id with a space', { products: [{ ...product, productId: 'prd x' }] }],
    ['an unknown field', { products: [{ ...product, productId: 'prd_x', colour: 'red' }] }],
    ['too many rows', { products: Array.from({ length: 201 }, () => product) }],
  ])('refuses %s and writes nothing', async (_, body) => {
    const before = await count();
    const answer = await send(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_request' });
    expect(await count()).toBe(before);
  });
});
