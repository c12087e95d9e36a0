import { z } from 'zod';

/** Each part is asked by itself, with its own time limit: what does not answer says so, and nothing else fails. */
export const STATUS_LEVELS = ['ok', 'attention', 'unavailable'] as const;
export type StatusLevel = (typeof STATUS_LEVELS)[number];

export const STATUS_PARTS = [
  'ranking',
  'flink',
  'consumers',
  'workflows',
  'deadLetters',
  'stopRelay',
  'notifications',
  'businessDays',
  'reconciliation',
] as const;
export type StatusPartName = (typeof STATUS_PARTS)[number];

const figure = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const statusPartSchema = z.object({
  name: z.enum(STATUS_PARTS),
  level: z.enum(STATUS_LEVELS),
  figures: z.record(z.string(), figure),
  /** Why it is not `ok`, for a person. */
  problem: z.string().nullable(),
});
export type StatusPart = z.input<typeof statusPartSchema>;

/** `GET /v1/system-status` */
export const systemStatusSchema = z.object({
  level: z.enum(STATUS_LEVELS).describe('The worst of all parts.'),
  at: z.iso.datetime({ precision: 3 }),
  parts: z.array(statusPartSchema),
});
export type SystemStatus = z.input<typeof systemStatusSchema>;
