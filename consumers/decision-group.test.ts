import { expect, test } from 'vitest';
import type { ClickDelivery } from './click-delivery.js';
import { DecisionGroup } from './decision-group.js';

const clicks = (count: number) => Array.from({ length: count }, () => ({}) as ClickDelivery);

test('what arrives while a transaction runs shares the next one, up to the bound', async () => {
  const sizes: number[] = [];
  const gates: (() => void)[] = [];
  const group = new DecisionGroup((deliveries) => {
    sizes.push(deliveries.length);
    return new Promise((resolve) => gates.push(() => resolve(true)));
  }, 10);
  const first = group.submit(clicks(1));
  await new Promise((resolve) => setImmediate(resolve));
  const rest = [group.submit(clicks(4)), group.submit(clicks(5)), group.submit(clicks(3))];
  gates.shift()?.();
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  gates.shift()?.();
  await rest[0];
  await new Promise((resolve) => setImmediate(resolve));
  gates.shift()?.();
  expect(await Promise.all(rest)).toEqual([true, true, true]);
  expect(sizes).toEqual([1, 9, 3]);
});

test('a failure reaches everybody of its group, and the next group goes on', async () => {
  let calls = 0;
  const group = new DecisionGroup(async () => {
    calls += 1;
    if (calls === 1) throw new Error('broken');
    return true;
  }, 100);
  const results = await Promise.allSettled([group.submit(clicks(1)), group.submit(clicks(2))]);
  expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
  expect(await group.submit(clicks(1))).toBe(true);
});
