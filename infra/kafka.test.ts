import { expect, test } from 'vitest';
import { hasLeaders } from './kafka.js';

const partition = (partitionId: number, leader: number) => ({
  partitionErrorCode: 0,
  partitionId,
  leader,
  replicas: [1],
  isr: [1],
});

test('a topic can be written to once it is told of and each of its partitions has a leader', () => {
  const led = { name: 'clicks', partitions: [partition(0, 1), partition(1, 2)] };
  expect(hasLeaders([led], 'clicks')).toBe(true);
  expect(hasLeaders([{ ...led, partitions: [partition(0, 1), partition(1, -1)] }], 'clicks')).toBe(false);
  expect(hasLeaders([{ ...led, partitions: [] }], 'clicks')).toBe(false);
  expect(hasLeaders([led], 'orders')).toBe(false);
});
