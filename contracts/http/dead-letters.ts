import { z } from 'zod';
import { isStorableText } from '../../domain/storable-text.js';
import { instantSchema } from './console-identity.js';

/** Ids are row numbers of ours, written as digits. */
export const deadLetterParamsSchema = z.object({ id: z.string().regex(/^[1-9]\d{0,15}$/, 'a number') });

/** `POST /v1/dead-letters/{id}/resolution` */
export const deadLetterResolutionSchema = z.object({
  note: z
    .string()
    .trim()
    .min(5)
    .max(500)
    .refine(isStorableText, 'text without control characters')
    .describe('Why this record needs no outcome; kept with it, and in the audit log.'),
});

/** A record that was set aside, without its content. */
export const deadLetterSchema = z.object({
  id: z.number().int(),
  topic: z.string(),
  partition: z.number().int(),
  offset: z.number().int(),
  key: z.string().nullable(),
  status: z
    .enum(['waiting', 'replayed', 'resolved'])
    .describe('`replayed`: appended again, and neither taken nor refused yet.'),
  reason: z.string().describe('Why the consumer could not take it, the last time.'),
  failures: z.number().int().describe('Once, and once more for each replay that failed.'),
  createdAt: instantSchema,
  failedAt: instantSchema,
  replays: z.number().int(),
  replayedAt: instantSchema.nullable(),
  replayedBy: z.string().nullable(),
  resolvedAt: instantSchema.nullable(),
  resolvedBy: z.string().nullable(),
  resolution: z.string().nullable(),
});

export const deadLetterDetailSchema = deadLetterSchema.extend({
  headers: z.record(z.string(), z.string().nullable()),
  value: z
    .string()
    .nullable()
    .describe('The record as text, without tokens and personal data; hashes as they are.'),
  valueBytes: z.number().int().nullable(),
});
