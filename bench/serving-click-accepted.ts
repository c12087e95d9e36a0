import express from 'express';
import { TOPICS } from '../contracts/topics.js';
import { createClickTokens } from '../infra/click-token.js';
import { connectProducer, createKafka, topicName } from '../infra/kafka.js';
import { createLogger } from '../infra/log.js';
import { AdServerWorld } from '../tests/integration/ad-server-world.js';
import { type BenchRow, isReached } from './bench-row.js';
import { clickLoad } from './click-load.js';
import { serve } from './http-load.js';
import { profileOf } from './profile.js';
import { median, medianRatio, pairedRounds, sideText } from './rounds.js';

/**
 * A click that is answered once every in-sync replica has it, against a handler that verifies the same token and
 * awaits one kafkajs send of its own. Nobody decides clicks here, and the answer does not wait for a decision.
 */
const SECONDS = 2;
const LANES = 128;
const NO_WAIT_MS = 1;
const CAMPAIGNS = 200;

export async function benchClickAccepted(): Promise<BenchRow[]> {
  const world = await AdServerWorld.open((config) => ({ ...config, CLICK_OUTCOME_TIMEOUT_MS: NO_WAIT_MS }));
  try {
    await world.stopReading();
    const rival = await oneSendPerClick(world);
    const { config, apiKey } = world;
    const campaigns = Array.from({ length: CAMPAIGNS }, (_, index) => ({
      advertiserId: `adv_bench${index}`,
      campaignId: `cmp_bench${index}`,
    }));
    const load = (url: string) =>
      clickLoad({ url, apiKey, keys: config, campaigns, seconds: SECONDS, lanes: LANES, perSecond: null });
    try {
      const pairs = await pairedRounds(
        () => load(world.server.url),
        () => load(rival.url),
      );
      const cpu = medianRatio(pairs, ({ cpuMicros }) => cpuMicros ?? Number.NaN);
      const lost = [...pairs.own, ...pairs.other].flatMap(({ outcomes }) => Object.keys(outcomes));
      if (lost.some((outcome) => outcome !== 'accepted')) throw new Error(`not accepted: ${lost.join()}`);
      const row: BenchRow = {
        what: `click accepted durably, ${LANES} clients`,
        against: 'a handler that awaits one send per click',
        ratio: medianRatio(pairs, ({ perSecond }) => perSecond),
        target: { atLeast: 3 },
        unit: 'x',
        details: `own: ${sideText(pairs.own)}; other: ${sideText(pairs.other)}; processor time per click ${cpu.toFixed(2)} x; p99 ${median(pairs.own.map(({ p99Ms }) => p99Ms)).toFixed(0)} ms against ${median(pairs.other.map(({ p99Ms }) => p99Ms)).toFixed(0)} ms`,
      };
      return isReached(row) ? [row] : [{ ...row, profile: await profileOf(() => load(world.server.url)) }];
    } finally {
      await rival.close();
    }
  } finally {
    await world.close();
  }
}

async function oneSendPerClick({ config }: AdServerWorld) {
  const producer = await connectProducer(createKafka(config, createLogger(config, 'bench')));
  const tokens = createClickTokens(config.CLICK_TOKEN_KEYS);
  const topic = topicName(config, TOPICS.adEvents);
  const app = express();
  app.post('/v1/clicks', express.json(), async (req, res) => {
    const token = tokens.verify(String(req.body.clickToken), Date.now());
    const ad = token.ok ? token.payload.ads[0] : undefined;
    if (ad === undefined) {
      res.status(400).json({ code: 'forged_click_token' });
      return;
    }
    const value = JSON.stringify({ ...req.body, ...ad, clickToken: undefined });
    await producer.send({ topic, acks: -1, messages: [{ key: ad.advertiserId, value }] });
    res.status(202).json({ clickId: ad.adId, outcome: 'accepted' });
  });
  const { url, server } = await serve(app);
  return {
    url,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await producer.disconnect();
    },
  };
}
