import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ClickDelivery } from './click-delivery.js';
import { DecisionGroup } from './decision-group.js';

const clicks = (count: number) => Array.from({ length: count }, () => ({}) as ClickDelivery);

/** Steps that the test opens one by one. */
function gate<T>() {
  const open: ((value: T) => void)[] = [];
  return {
    wait: () => new Promise<T>((resolve) => open.push(resolve)),
    next: (value: T) => open.shift()?.(value),
  };
}

test('what arrives while a transaction runs shares the next one, up to the bound', async () => {
  const sizes: number[] = [];
  const decided = gate<number>();
  const group = new DecisionGroup({
    maxClicks: 10,
    decide: (deliveries) => {
      sizes.push(deliveries.length);
      return decided.wait();
    },
    publish: async () => true,
  });
  const first = group.submit(clicks(1));
  await first.taken;
  const rest = [group.submit(clicks(4)), group.submit(clicks(5)), group.submit(clicks(3))];
  decided.next(1);
  await rest[1]?.taken;
  decided.next(1);
  await rest[2]?.taken;
  decided.next(1);
  expect(await Promise.all([first, ...rest].map((submission) => submission.done))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(sizes).toEqual([1, 9, 3]);
});

test('publishing a group overlaps the next transaction, and groups are published in their order', async () => {
  const steps: string[] = [];
  const published = gate<boolean>();
  const group = new DecisionGroup<number>({
    maxClicks: 1,
    decide: async (deliveries) => {
      steps.push('decide');
      return deliveries.length;
    },
    publish: () => {
      steps.push('publish');
      return published.wait();
    },
  });
  const submissions = [group.submit(clicks(1)), group.submit(clicks(1)), group.submit(clicks(1))];
  await submissions[1]?.taken;
  await turn();
  await turn();
  // The second is decided, and waits with its append for the first one's; the third waits for both.
  expect(steps).toEqual(['decide', 'publish', 'decide']);
  published.next(true);
  await submissions[2]?.taken;
  published.next(true);
  await submissions[1]?.done;
  await turn();
  published.next(true);
  await group.idle();
  expect(steps).toEqual(['decide', 'publish', 'decide', 'publish', 'decide', 'publish']);
});

test('a failure reaches everybody of its group, and the next group goes on', async () => {
  let calls = 0;
  const group = new DecisionGroup({
    maxClicks: 100,
    decide: async () => {
      calls += 1;
      if (calls === 1) throw new Error('broken');
      return calls;
    },
    publish: async () => true,
  });
  const results = await Promise.allSettled([group.submit(clicks(1)).done, group.submit(clicks(2)).done]);
  expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
  expect(await group.submit(clicks(1)).done).toBe(true);
});

test('what waits can be given up; what is in a transaction is finished', async () => {
  const decided = gate<number>();
  const group = new DecisionGroup({
    maxClicks: 100,
    decide: () => decided.wait(),
    publish: async () => true,
  });
  const under = group.submit(clicks(1));
  await under.taken;
  const waiting = group.submit(clicks(1));
  group.dropWaiting();
  expect([await waiting.taken, await waiting.done]).toEqual([false, false]);
  expect(group.stuckMs()).toBeGreaterThan(0);
  decided.next(1);
  await group.idle();
  expect(await under.done).toBe(true);
  expect(group.stuckMs()).toBe(0);
});
