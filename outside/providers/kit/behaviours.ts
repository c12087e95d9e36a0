import type { RequestHandler } from 'express';
import { z } from 'zod';
import { Refusal } from './answer.js';

export const SERVICES = ['payments', 'tax-invoices', 'business-registry', 'messages', 'mail'] as const;
export type Service = (typeof SERVICES)[number];

const count = z.number().int().min(0).max(1_000);
const shortMs = z.number().int().min(0).max(60_000);

/** `PUT /sandbox/behaviours/{service}`: replaces the whole; what counts down ends at zero. */
export const behaviourSchema = z.strictObject({
  delayMs: shortMs.default(0).describe('Every call waits this long before it is handled.'),
  failNext: count.default(0).describe('So many calls fail before they are handled.'),
  failStatus: z.number().int().min(500).max(599).default(503),
  dropConnectionNext: count.default(0).describe('So many calls are handled, but their answer is lost.'),
  rejectNext: z
    .strictObject({
      code: z.string().min(1).max(100),
      message: z.string().min(1).max(300),
      times: count.min(1).default(1),
    })
    .nullable()
    .default(null)
    .describe(
      'So many acts are refused with this reason (tax invoices: the next ones issued, by the tax authority, later).',
    ),
  repeatWebhooks: z.number().int().min(0).max(10).default(0).describe('Each webhook comes so often again.'),
  webhookDelayMs: shortMs.default(0),
  outOfOrderWebhooks: z.boolean().default(false).describe('Webhooks come in pairs, the later one first.'),
  stepMs: shortMs.nullable().default(null).describe('Tax invoices: time between two states.'),
});
export type Behaviour = z.infer<typeof behaviourSchema>;

export const DEFAULT_BEHAVIOUR: Behaviour = behaviourSchema.parse({});

/** How each service misbehaves at the moment. */
export class Behaviours {
  private readonly current = new Map<Service, Behaviour>();

  of(service: Service): Behaviour {
    return this.current.get(service) ?? DEFAULT_BEHAVIOUR;
  }

  set(service: Service, behaviour: Behaviour): Behaviour {
    this.current.set(service, behaviour);
    return behaviour;
  }

  reset(service: Service): void {
    this.current.delete(service);
  }

  /** Takes one of `failNext` or `dropConnectionNext`, if there is one left. */
  take(service: Service, name: 'failNext' | 'dropConnectionNext'): boolean {
    const behaviour = this.of(service);
    if (behaviour[name] === 0) return false;
    this.set(service, { ...behaviour, [name]: behaviour[name] - 1 });
    return true;
  }

  /** The reason with which the next act is refused, or null. */
  takeRejection(service: Service): { code: string; message: string } | null {
    const behaviour = this.of(service);
    const { rejectNext } = behaviour;
    if (rejectNext === null) return null;
    const times = rejectNext.times - 1;
    this.set(service, { ...behaviour, rejectNext: times === 0 ? null : { ...rejectNext, times } });
    return { code: rejectNext.code, message: rejectNext.message };
  }
}

/** Before a service's routes: waits, fails, or handles the call and loses the answer. */
export function misbehave(behaviours: Behaviours, service: Service): RequestHandler {
  return async (req, res, next) => {
    const { delayMs, failStatus } = behaviours.of(service);
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (behaviours.take(service, 'failNext'))
      throw new Refusal(failStatus, 'FAILED_INTERNAL_SYSTEM_PROCESSING', 'An internal error, try again.');
    if (behaviours.take(service, 'dropConnectionNext')) {
      res.json = () => {
        req.socket.destroy();
        return res;
      };
    }
    next();
  };
}
