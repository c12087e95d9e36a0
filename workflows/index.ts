/** Everything that a worker of the queue `business` can run. */
export { campaignLifecycle } from './campaign-lifecycle.js';
