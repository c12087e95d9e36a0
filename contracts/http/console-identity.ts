import { z } from 'zod';
import { API_SCOPES, ROLES } from '../../domain/access.js';

/** Every instant in answers: ISO 8601 in UTC, milliseconds. */
export const instantSchema = z.iso.datetime({ precision: 3 });

export const meSchema = z.object({
  userId: z.string(),
  displayName: z.string(),
  role: z.enum(ROLES),
  advertiserId: z.string().nullable().describe('Set for role advertiser: whose objects this person sees.'),
});

/** `POST /v1/sessions` */
export const signInRequestSchema = z.object({
  email: z.email().max(254),
  password: z.string().min(1).max(128),
  delivery: z
    .enum(['token', 'cookie'])
    .default('token')
    .describe('`cookie` for browsers (HttpOnly, no script sees it); `token` for programs.'),
  deviceId: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('The shop’s id of this browser: its clicks on ads of the own company are not charged.'),
});

export const signedInSchema = z.object({
  token: z.string().optional().describe('Only with delivery `token`; send it as Authorization: Bearer.'),
  expiresAt: instantSchema,
  user: meSchema,
});

/** `GET /v1/api-keys` */
export const apiKeySchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(API_SCOPES)),
  createdBy: z.string(),
  createdAt: instantSchema,
  revokedAt: instantSchema.nullable(),
});

/** `POST /v1/api-keys` */
export const newApiKeySchema = z.object({
  name: z.string().trim().min(1).max(100),
  scopes: z
    .array(z.enum(API_SCOPES))
    .min(1)
    .refine((scopes) => new Set(scopes).size === scopes.length, 'each scope once'),
});

export const createdApiKeySchema = apiKeySchema.extend({
  key: z.string().describe('Shown this once; only its hash is stored.'),
});

/** `GET /v1/audit-log` */
export const auditEntrySchema = z.object({
  id: z.number().int(),
  at: instantSchema,
  actorId: z.string(),
  actorRole: z.string(),
  via: z.string(),
  action: z.string(),
  objectType: z.string(),
  objectId: z.string(),
  detail: z.record(z.string(), z.unknown()),
  correlationId: z.string().nullable(),
});
