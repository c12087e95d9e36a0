import { z } from 'zod';

/** RFC 9457. Every error of every endpoint: a stable code, a sentence, and what to do next. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
  nextStep: z.string(),
  /** Offending fields, when the input is at fault. */
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  correlationId: z.string().optional(),
});
export type Problem = z.infer<typeof problemSchema>;
