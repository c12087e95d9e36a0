import { z } from 'zod';
import { isClickId } from '../../domain/click-id.js';
import { FINDING_STATUSES, LATE_RULES, LEAST_CLICKS_PER_HOUR } from '../../domain/invalid-click-finding.js';
import { isStorableText } from '../../domain/storable-text.js';
import { instantSchema } from './console-identity.js';

const MOST_NAMED = 1_000;
const hash = z.string().regex(/^[\w-]{4,128}$/, 'a hash as it stands in a click');
const when = z.iso.datetime({ offset: true });

/** `POST /v1/invalid-click-findings` */
export const findingRequestSchema = z.object({
  rule: z.enum(LATE_RULES),
  from: when.optional().describe('Clicks from this time on (the time of the click).'),
  to: when.optional().describe('Clicks before this time.'),
  deviceHash: hash.optional(),
  ipHash: hash.optional(),
  ipAddresses: z
    .array(z.union([z.ipv4(), z.ipv6()]))
    .max(MOST_NAMED)
    .optional()
    .describe('Hashed on arrival, IPv6 by its /64 network: only the hashes are kept.'),
  campaignId: z.string().min(1).max(64).optional(),
  clickIds: z.array(z.string().refine(isClickId, 'the id of a click')).min(1).max(MOST_NAMED).optional(),
  clicksPerHour: z
    .number()
    .int()
    .min(LEAST_CLICKS_PER_HOUR)
    .max(10_000)
    .optional()
    .describe('`device_burst_late`: clicks of a device in an hour that nobody objects to; 60 unless said.'),
  note: z.string().trim().min(5).max(500).refine(isStorableText, 'text without control characters'),
  dryRun: z.boolean().optional().describe('Only show what would be found; nothing is written.'),
});

const won = z.number().int();
const count = z.number().int();

/** What a rule finds: how much, and whose. */
const foundShape = {
  rule: z.enum(LATE_RULES),
  clicks: count,
  advertisers: count,
  cashKrw: won,
  promoKrw: won,
  totalKrw: won,
};

const advertiserShape = { advertiserId: z.string(), clicks: count, cashKrw: won, promoKrw: won };

/** The answer to a dry run. */
export const findingPreviewSchema = z.object({
  ...foundShape,
  byAdvertiser: z.array(z.object(advertiserShape)).describe('At most 100, the largest amount first.'),
  sampleClickIds: z.array(z.string()).describe('At most 20.'),
});

export const findingSchema = z.object({
  findingId: z.string(),
  ...foundShape,
  status: z.enum(FINDING_STATUSES),
  criteria: z.object({
    from: instantSchema.nullable(),
    to: instantSchema.nullable(),
    deviceHashes: z.array(z.string()),
    ipHashes: z.array(z.string()),
    campaignId: z.string().nullable(),
    clickIds: count.describe('How many were named.'),
    clicksPerHour: count.nullable(),
  }),
  note: z.string(),
  reversedClicks: count.describe('Taken back by this finding until now.'),
  reversedCashKrw: won,
  reversedPromoKrw: won,
  alreadyReversedClicks: count.describe('Somebody else was faster: nothing moved for these.'),
  createdAt: instantSchema,
  createdBy: z.string(),
  decidedAt: instantSchema.nullable(),
  decidedBy: z.string().nullable(),
  finishedAt: instantSchema.nullable(),
});

export const findingDetailSchema = findingSchema.extend({
  byAdvertiser: z
    .array(z.object({ ...advertiserShape, reversedClicks: count }))
    .describe('At most 100, the largest amount first.'),
  needsCorrection: z
    .array(z.object({ taxInvoiceId: z.string(), advertiserId: z.string(), month: z.string() }))
    .describe(
      'Tax invoices that will say, or say, more than is charged: finance draws up corrections when the clicks are taken back.',
    ),
});

export const findingParamsSchema = z.object({
  id: z.string().regex(/^icf_\w{1,60}$/, 'the id of a finding'),
});
