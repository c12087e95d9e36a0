import { z } from 'zod';

/** Business registry, in the shape of the National Tax Service's open API: names and codes are theirs. */
export const MAX_REGISTRY_NUMBERS = 100;

/** `POST /status?serviceKey=` */
export const registryStatusRequestSchema = z.object({
  b_no: z
    .array(z.string().regex(/^\d{10}$/))
    .min(1)
    .max(MAX_REGISTRY_NUMBERS),
});

export const registryStatusSchema = z.object({
  b_no: z.string(),
  /** 계속사업자, 휴업자, 폐업자, or empty. */
  b_stt: z.string(),
  /** 01 active, 02 suspended, 03 closed, empty: not registered. */
  b_stt_cd: z.enum(['01', '02', '03', '']),
  tax_type: z.string(),
  tax_type_cd: z.string(),
  /** YYYYMMDD when closed. */
  end_dt: z.string(),
});

export const registryStatusAnswerSchema = z.object({
  status_code: z.literal('OK'),
  data: z.array(registryStatusSchema),
});

/** `POST /validate?serviceKey=`: do number, opening day and representative belong together? */
export const registryValidateRequestSchema = z.object({
  businesses: z
    .array(
      z.object({
        b_no: z.string().regex(/^\d{10}$/),
        start_dt: z.string().regex(/^\d{8}$/),
        p_nm: z.string().trim().min(1).max(100),
        b_nm: z.string().max(200).optional(),
      }),
    )
    .min(1)
    .max(MAX_REGISTRY_NUMBERS),
});

export const registryValidationSchema = z.object({
  b_no: z.string(),
  /** 01 they match, 02 they do not. */
  valid: z.enum(['01', '02']),
  valid_msg: z.string().optional(),
});

export const registryValidateAnswerSchema = z.object({
  status_code: z.literal('OK'),
  data: z.array(registryValidationSchema),
});

export type RegistryStatus = z.infer<typeof registryStatusSchema>;
export type RegistryValidation = z.infer<typeof registryValidationSchema>;
