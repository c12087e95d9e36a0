import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkflowSource } from '../infra/temporal.js';

/** `.ts` while run from the sources, `.js` in the build. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const root = dirname(dirname(fileURLToPath(import.meta.url)));

export const WORKFLOWS_PATH = join(root, 'workflows', `index.${extension}`);
/** Made by the build; sources are bundled at start, so that a change is never hidden by an old bundle. */
export const WORKFLOW_BUNDLE_PATH = join(
  extension === 'ts' ? join(root, 'dist') : root,
  'workflow-bundle.js',
);

export function workflowSource(): WorkflowSource {
  return extension === 'js' && existsSync(WORKFLOW_BUNDLE_PATH)
    ? { workflowBundle: { codePath: WORKFLOW_BUNDLE_PATH } }
    : { workflowsPath: WORKFLOWS_PATH };
}
