import { expect, test } from 'vitest';
import { AnswersTogether } from './answers-together.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('answers of one turn leave at its end, in their order', async () => {
  const together = new AnswersTogether();
  const written: number[] = [];
  for (const answer of [1, 2, 3]) together.add(() => written.push(answer));
  expect(written).toEqual([]);
  await turn();
  expect(written).toEqual([1, 2, 3]);
  together.add(() => written.push(4));
  await turn();
  expect(written).toEqual([1, 2, 3, 4]);
});

test('a full house does not wait for the end of the turn', async () => {
  const together = new AnswersTogether();
  let written = 0;
  for (let answer = 0; answer < 70; answer += 1) together.add(() => (written += 1));
  expect(written).toBe(64);
  await turn();
  expect(written).toBe(70);
});
