import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { WORKFLOW_BUNDLE_PATH, WORKFLOWS_PATH } from './workflow-source.js';

/**
 * Part of the build: one file with all workflows, so that a worker is ready in 0.4 s instead of 2 s and needs no
 * bundler at run time. Written beside and renamed, so that a worker never reads half a bundle.
 */
const { code } = await bundleWorkflowCode({ workflowsPath: WORKFLOWS_PATH });
await mkdir(dirname(WORKFLOW_BUNDLE_PATH), { recursive: true });
const unfinished = `${WORKFLOW_BUNDLE_PATH}.${process.pid}`;
await writeFile(unfinished, code);
await rename(unfinished, WORKFLOW_BUNDLE_PATH);
process.stdout.write(`workflow bundle: ${Math.round(code.length / 1024)} KiB\n`);
