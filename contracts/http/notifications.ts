import { z } from 'zod';
import { instantSchema } from './console-identity.js';

const textSchema = z.object({ subject: z.string(), body: z.string() });

export const notificationSchema = z.object({
  id: z.uuid(),
  template: z.string(),
  ko: textSchema,
  en: textSchema,
  createdAt: instantSchema,
  readAt: instantSchema.nullable(),
});

export const notificationQuerySchema = z.object({
  unread: z.enum(['true', 'false']).default('false').describe('true: only what nobody has read.'),
});

export const notificationParamsSchema = z.object({ id: z.uuid() });

export const unreadCountSchema = z.object({ unread: z.number().int() });
