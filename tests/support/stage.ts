import { execa } from 'execa';
import { DEMO } from '../../contracts/demo.js';
import type { Stage } from '../../outside/demo/stage.js';
import { temporalCliPath } from '../../stack/bootstrap/temporal-cli.mjs';
import type { Stack } from '../../stack/start-stack.js';

/** The story of `npm run demo` on a stack of a test; `told` receives what it says and claims. */
export function stageOn(stack: Stack, told: Pick<Stage, 'chapter' | 'tell' | 'check'>): Stage {
  const at = (port: number) => `http://127.0.0.1:${port}`;
  return {
    ...told,
    consoleUrl: at(stack.ports.consoleApi),
    adServerUrl: at(stack.ports.adServer),
    providersUrl: at(stack.ports.providers),
    shopApiKey: DEMO.shopApiKey,
    temporal: async (args) =>
      (await execa(temporalCliPath(), [...args, '--address', stack.env.TEMPORAL_ADDRESS ?? ''])).stdout,
  };
}
