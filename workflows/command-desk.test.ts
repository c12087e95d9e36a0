import { expect, test } from 'vitest';
import { CommandDesk } from './command-desk.js';

const answering = (log: string[], name: string) => async () => {
  log.push(`${name} starts`);
  await Promise.resolve();
  log.push(`${name} ends`);
  return name;
};

test('acts run one at a time, in the order in which they were asked', async () => {
  const desk = new CommandDesk<string>([], 10);
  const log: string[] = [];
  await Promise.all([
    desk.take('1', answering(log, 'a')),
    desk.alone(answering(log, 'b')),
    desk.take('2', answering(log, 'c')),
  ]);
  expect(log).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends']);
});

test('a repeated id gets its first answer: while open, afterwards, and from a desk opened with old answers', async () => {
  const desk = new CommandDesk<string>([['0', 'carried']], 10);
  const log: string[] = [];
  const [first, twin] = await Promise.all([
    desk.take('1', answering(log, 'a')),
    desk.take('1', answering(log, 'b')),
  ]);
  expect([first, twin, await desk.take('1', answering(log, 'c'))]).toEqual(['a', 'a', 'a']);
  expect(await desk.take('0', answering(log, 'd'))).toBe('carried');
  expect(log).toEqual(['a starts', 'a ends']);
  expect(desk.taken).toBe(1);
});

test('a failed act blocks nobody and may be tried again', async () => {
  const desk = new CommandDesk<string>([], 10);
  await expect(desk.take('1', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
  expect(desk.knows('1')).toBe(false);
  expect(await desk.take('1', answering([], 'up'))).toBe('up');
});

test('only the last answers are remembered', async () => {
  const desk = new CommandDesk<string>([], 2);
  for (const id of ['1', '2', '3']) await desk.take(id, async () => id);
  expect(desk.answers()).toEqual([
    ['2', '2'],
    ['3', '3'],
  ]);
});
