import { z } from 'zod';

/** How the payment, tax invoice, registry and message providers say no: a code of theirs and a sentence. */
export const providerErrorSchema = z
  .object({
    code: z.union([z.string(), z.number()]).optional(),
    message: z.string().optional(),
    /** Business registry. */
    status_code: z.string().optional(),
    /** Messages. */
    errorCode: z.string().optional(),
    errorMessage: z.string().optional(),
  })
  .transform((body) => ({
    code: String(body.code ?? body.errorCode ?? body.status_code ?? 'REFUSED'),
    message: body.message ?? body.errorMessage ?? 'The provider refused without a reason.',
  }));
