import express, { type Request, type RequestHandler, type Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import {
  type RegistryStatus,
  type RegistryValidation,
  registryStatusRequestSchema,
  registryValidateRequestSchema,
} from '../../contracts/providers/business-registry.js';
import { businessNumberCheckDigit, isBusinessNumber } from '../../domain/business-number.js';
import { answer, notFound, Refusal, read, refusals } from './kit/answer.js';
import { type Behaviours, misbehave } from './kit/behaviours.js';
import { BoundedMap } from './kit/bounded-map.js';

const BUSINESSES_KEPT = 20_000;

/** `PUT /sandbox/businesses/{number}`: what the registry says about it from now on. */
export const businessSchema = z.strictObject({
  state: z.enum(['active', 'suspended', 'closed', 'unregistered']).default('active'),
  taxType: z.string().min(1).max(100).default('부가가치세 일반과세자'),
  /** When given, only this representative matches; the same for the opening day and the name. */
  representative: z.string().min(1).max(100).optional(),
  startDate: z
    .string()
    .regex(/^\d{8}$/)
    .optional(),
  name: z.string().min(1).max(200).optional(),
});
export type SandboxBusiness = z.infer<typeof businessSchema>;

const numbered = (firstNine: string) => `${firstNine}${businessNumberCheckDigit(firstNine)}`;

/** Valid numbers that show what is wrong with a company, without any set-up. Named in README.md. */
export const SPECIAL_NUMBERS = {
  suspended: numbered('200810001'),
  closed: numbered('300810001'),
  unregistered: numbered('400810001'),
  otherRepresentative: numbered('500810001'),
} as const;

const STATE_CODES = {
  active: ['01', '계속사업자'],
  suspended: ['02', '휴업자'],
  closed: ['03', '폐업자'],
  unregistered: ['', ''],
} as const;
const UNREGISTERED = '국세청에 등록되지 않은 사업자등록번호입니다';
const TAX_TYPE_CODES: Readonly<Record<string, string>> = {
  '부가가치세 일반과세자': '01',
  '부가가치세 간이과세자': '02',
  '부가가치세 면세사업자': '04',
};

/** Every number with a right checksum is an active company, unless it is a special one or the control says otherwise. */
export class BusinessBook {
  private readonly told = new BoundedMap<SandboxBusiness>(BUSINESSES_KEPT);

  set(businessNumber: string, business: SandboxBusiness): void {
    this.told.set(businessNumber, business);
  }

  remove(businessNumber: string): void {
    this.told.remove(businessNumber);
  }

  status(businessNumber: string): RegistryStatus {
    const { state, taxType } = this.find(businessNumber);
    const [b_stt_cd, b_stt] = STATE_CODES[state];
    const registered = state !== 'unregistered';
    return {
      b_no: businessNumber,
      b_stt,
      b_stt_cd,
      tax_type: registered ? taxType : UNREGISTERED,
      tax_type_cd: registered ? (TAX_TYPE_CODES[taxType] ?? '01') : '',
      end_dt: state === 'closed' ? '20260331' : '',
    };
  }

  validate(asked: {
    b_no: string;
    start_dt: string;
    p_nm: string;
    b_nm?: string | undefined;
  }): RegistryValidation {
    const known = this.find(asked.b_no);
    const matches =
      known.state !== 'unregistered' &&
      (known.representative ?? asked.p_nm) === asked.p_nm &&
      (known.startDate ?? asked.start_dt) === asked.start_dt &&
      (asked.b_nm === undefined || (known.name ?? asked.b_nm) === asked.b_nm);
    return matches
      ? { b_no: asked.b_no, valid: '01' }
      : { b_no: asked.b_no, valid: '02', valid_msg: '확인할 수 없습니다.' };
  }

  private find(businessNumber: string): SandboxBusiness {
    const told = this.told.get(businessNumber);
    if (told) return told;
    if (!isBusinessNumber(businessNumber)) return businessSchema.parse({ state: 'unregistered' });
    switch (businessNumber) {
      case SPECIAL_NUMBERS.suspended:
        return businessSchema.parse({ state: 'suspended' });
      case SPECIAL_NUMBERS.closed:
        return businessSchema.parse({ state: 'closed' });
      case SPECIAL_NUMBERS.unregistered:
        return businessSchema.parse({ state: 'unregistered' });
      case SPECIAL_NUMBERS.otherRepresentative:
        return businessSchema.parse({ representative: '등록된 다른 대표자' });
      default:
        return businessSchema.parse({});
    }
  }
}

export function businessRegistryRoutes(options: {
  readonly book: BusinessBook;
  readonly behaviours: Behaviours;
  readonly serviceKey: string;
  readonly log: Logger;
}): Router {
  const { book, behaviours } = options;
  const router = express.Router();
  router.use(misbehave(behaviours, 'business-registry'), requireServiceKey(options.serviceKey));
  const refuseOnDemand = () => {
    const demanded = behaviours.takeRejection('business-registry');
    if (demanded) throw new Refusal(400, demanded.code, demanded.message);
  };
  const answers = (rows: readonly unknown[], count: string, matching: number) => ({
    status_code: 'OK',
    request_cnt: rows.length,
    [count]: matching,
    data: rows,
  });
  router.post(
    '/v1/status',
    answer((req: Request) => {
      refuseOnDemand();
      const { b_no } = read(registryStatusRequestSchema, req.body, 'BAD_JSON_REQUEST');
      const rows = b_no.map((number) => book.status(number));
      return answers(rows, 'match_cnt', rows.filter((row) => row.b_stt_cd !== '').length);
    }),
  );
  router.post(
    '/v1/validate',
    answer((req: Request) => {
      refuseOnDemand();
      const { businesses } = read(registryValidateRequestSchema, req.body, 'BAD_JSON_REQUEST');
      const rows = businesses.map((business) => book.validate(business));
      return answers(rows, 'valid_cnt', rows.filter((row) => row.valid === '01').length);
    }),
  );
  router.use(notFound);
  router.use(refusals(options.log, ({ code, message }) => ({ status_code: code, message })));
  return router;
}

function requireServiceKey(serviceKey: string): RequestHandler {
  return (req, _res, next) => {
    if (req.query.serviceKey !== serviceKey) throw new Refusal(401, '-401', '유효하지 않은 인증키 입니다.');
    next();
  };
}
