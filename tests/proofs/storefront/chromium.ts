import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The Chromium of this machine: CHROMIUM_PATH, or the first on the PATH. Nothing is downloaded. */
function findChromium(env: NodeJS.ProcessEnv = process.env): string {
  const own = env.CHROMIUM_PATH;
  const folders = (env.PATH ?? '').split(delimiter);
  const places = own ? [own] : NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = places.find(isExecutable);
  if (found !== undefined) return found;
  throw new Error(
    `${own ? `CHROMIUM_PATH=${own} cannot be run` : 'this proof needs a Chromium'}. Install one, for example:
    apt-get install -y chromium fonts-noto-cjk
  or name yours: CHROMIUM_PATH=/path/to/chrome npm run verify -- storefront`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Without the sandbox of its own when this process is root, where Chromium refuses it. */
export function launchChromium(): Promise<Browser> {
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: findChromium(), args });
}
