import type { z } from 'zod';
import {
  type RegistryStatus,
  type RegistryValidation,
  registryStatusAnswerSchema,
  registryValidateAnswerSchema,
} from '../contracts/providers/business-registry.js';
import { ok, type Result } from '../domain/result.js';
import type { Config } from './config.js';
import { callProvider, ProviderUnavailable } from './provider-http.js';

export interface BusinessStatus {
  readonly businessNumber: string;
  readonly state: 'active' | 'suspended' | 'closed' | 'unregistered';
  /** The registry's own words, such as 부가가치세 일반과세자. */
  readonly taxType: string;
  /** The registry's whole answer, to be kept as evidence with the time of the question. */
  readonly raw: RegistryStatus;
}

export interface BusinessValidation {
  readonly valid: boolean;
  readonly message: string | null;
  readonly raw: RegistryValidation;
}

export interface BusinessRegistry {
  /** At most 100 numbers; one answer per number, in the order given. */
  readStatus(businessNumbers: readonly string[]): Promise<Result<BusinessStatus[]>>;
  /** Do number, opening day (`YYYYMMDD`) and representative belong together? */
  validate(i: {
    businessNumber: string;
    startDate: string;
    representative: string;
    name?: string;
  }): Promise<Result<BusinessValidation>>;
}

type RegistryConfig = Pick<Config, 'BUSINESS_REGISTRY_URL' | 'BUSINESS_REGISTRY_KEY'>;

const PROVIDER = 'business-registry';
const STATES = { '01': 'active', '02': 'suspended', '03': 'closed', '': 'unregistered' } as const;
const digitsOf = (businessNumber: string) => businessNumber.replaceAll('-', '');

export function createBusinessRegistry(config: RegistryConfig): BusinessRegistry {
  return {
    readStatus: async (businessNumbers) => {
      const numbers = businessNumbers.map(digitsOf);
      const answer = await ask(config, '/status', { b_no: numbers }, registryStatusAnswerSchema);
      if (!answer.ok) return answer;
      const byNumber = new Map(answer.value.data.map((row) => [row.b_no, row]));
      return ok(numbers.map((number) => toStatus(number, byNumber.get(number))));
    },
    validate: async ({ businessNumber, startDate, representative, name }) => {
      const business = {
        b_no: digitsOf(businessNumber),
        start_dt: startDate,
        p_nm: representative,
        ...(name === undefined ? {} : { b_nm: name }),
      };
      const answer = await ask(config, '/validate', { businesses: [business] }, registryValidateAnswerSchema);
      if (!answer.ok) return answer;
      const raw = answer.value.data.find((row) => row.b_no === business.b_no) ?? missing(business.b_no);
      return ok({ valid: raw.valid === '01', message: raw.valid_msg ?? null, raw });
    },
  };
}

function ask<T>(config: RegistryConfig, path: string, body: unknown, answer: z.ZodType<T>) {
  const query = new URLSearchParams({ serviceKey: config.BUSINESS_REGISTRY_KEY, returnType: 'JSON' });
  return callProvider({
    provider: PROVIDER,
    method: 'POST',
    url: `${config.BUSINESS_REGISTRY_URL}/v1${path}?${query}`,
    headers: {},
    body,
    answer,
  });
}

function toStatus(businessNumber: string, raw: RegistryStatus | undefined): BusinessStatus {
  const row = raw ?? missing(businessNumber);
  return { businessNumber, state: STATES[row.b_stt_cd], taxType: row.tax_type, raw: row };
}

/** An answer that passes over a number says nothing about it: asked again, not guessed. */
function missing(businessNumber: string): never {
  throw new ProviderUnavailable(PROVIDER, 'unreadable', `no answer about ${businessNumber}`);
}
