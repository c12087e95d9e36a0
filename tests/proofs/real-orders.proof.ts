import { runMain } from '../support/main-command.js';
import type { Proof } from './proof.js';
import { proveRealOrders } from './real-orders/prove.js';

export const proof: Proof = {
  name: 'real-orders',
  proves: 'each of 36,149 real order lines is matched to the right click of the last 24 hours, or to none',
  params: { 'visited-percent': 25, 'repeated-percent': 3 },
  parts: ['ad-server', 'balance-worker', 'back-office', 'background'],
  run: async (context) => {
    const { stack, check, step } = context;
    step('A seeded shop: every seller advertises');
    const seeded = await runMain(stack.env, ['seed', '--campaigns-per-seller', '1']);
    check(
      'the seed runs through the ordinary operations',
      seeded.exitCode === 0,
      seeded.stderr.slice(0, 500),
    );
    await proveRealOrders(context);
  },
};
