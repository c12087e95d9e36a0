import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { clickRequestSchema } from '../../contracts/http/ad-server.js';
import { err } from '../../domain/result.js';
import { withCorrelationId } from '../../infra/log.js';
import { CORRELATION_HEADER, isCorrelationId } from '../kit/app.js';
import {
  type FieldFailure,
  fieldErrors,
  INTERNAL_ERROR,
  invalidRequest,
  MALFORMED_JSON,
} from '../kit/problem.js';
import type { RouteDoc } from '../kit/route.js';
import type { ClickAnswer } from './accept-click.js';
import { AnswersTogether } from './answers-together.js';
import type { ClickHandlersDeps } from './click-handlers.js';
import { asciiJson, respondJson, respondProblem } from './respond.js';

/** True when it took the request; false leaves it, untouched, to Express. */
export type ShortClickHandler = (req: IncomingMessage, res: ServerResponse) => boolean;

export type ShortClickDeps = ClickHandlersDeps & { readonly log: Logger };

const MOST_BYTES = 16 * 1024;
const PLAIN_JSON = new Set(['application/json', 'application/json; charset=utf-8']);
const strictClick = clickRequestSchema.strict();

/**
 * `POST /v1/clicks` on `node:http` alone, for requests as shops send them: JSON in UTF-8, of a stated length, not
 * compressed. Express, its body reader and the context of its log cost as much as all the rest of a click. Any other
 * form of request goes through Express and means the same; `ad-server-http.test.ts` asks both the same questions.
 */
export function shortClickHandler(deps: ShortClickDeps, doc: RouteDoc): ShortClickHandler {
  const together = new AnswersTogether();
  return (req, res) => {
    if (!isPlain(req)) return false;
    new ShortClick(deps, doc, together, req, res).run();
    return true;
  };
}

function isPlain({ headers }: IncomingMessage): boolean {
  if (headers['content-encoding'] !== undefined || headers['transfer-encoding'] !== undefined) return false;
  const length = Number(headers['content-length']);
  return length > 0 && length <= MOST_BYTES && PLAIN_JSON.has(headers['content-type'] ?? '');
}

/** One click on its way through. */
class ShortClick {
  readonly #deps: ShortClickDeps;
  readonly #doc: RouteDoc;
  readonly #together: AnswersTogether;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #startedAt = performance.now();
  readonly #correlation: string;

  constructor(
    deps: ShortClickDeps,
    doc: RouteDoc,
    together: AnswersTogether,
    req: IncomingMessage,
    res: ServerResponse,
  ) {
    this.#deps = deps;
    this.#doc = doc;
    this.#together = together;
    this.#req = req;
    this.#res = res;
    const given = req.headers[CORRELATION_HEADER];
    this.#correlation = isCorrelationId(given) ? given : randomUUID();
  }

  run(): void {
    this.#answer().then(
      (answer) => this.#together.add(() => this.#send(answer)),
      (error: unknown) => {
        withCorrelationId(this.#correlation, () =>
          this.#deps.log.error({ err: error, method: 'POST', path: this.#doc.path }, 'request failed'),
        );
        this.#refuse(INTERNAL_ERROR);
      },
    );
  }

  /** Who may, before anything is read of the body. */
  async #answer(): Promise<ClickAnswer> {
    const { authorise, acceptClick, metrics } = this.#deps;
    const asked = authorise(this.#req, this.#doc.access);
    const allowed = asked instanceof Promise ? await asked : asked;
    if (!allowed.ok) return allowed;
    const body = parseObject(await textOf(this.#req));
    if (body === null) return err(MALFORMED_JSON);
    const parsed = strictClick.safeParse(body);
    if (!parsed.success) {
      metrics.clicks.inc({ answer: 'invalid_request' });
      return err(invalidRequest(fieldErrors('body', parsed.error)));
    }
    const { headers } = this.#req;
    const shopper = {
      ip: oneOf(headers['x-shopper-ip']),
      userAgent: oneOf(headers['x-shopper-user-agent']),
    };
    const answer = await acceptClick(parsed.data, shopper);
    metrics.clicks.inc({ answer: answer.ok ? answer.value.outcome : answer.error.code });
    return answer;
  }

  #send(answer: ClickAnswer): void {
    if (!answer.ok) {
      this.#refuse(answer.error);
      return;
    }
    const status = answer.value.outcome === 'accepted' ? 202 : 200;
    respondJson(this.#res, asciiJson(answer.value), this.#correlation, status);
    this.#measure();
  }

  #refuse(failure: FieldFailure): void {
    const headers = { [CORRELATION_HEADER]: this.#correlation };
    withCorrelationId(this.#correlation, () => respondProblem(this.#res, failure, headers));
    this.#measure();
  }

  #measure(): void {
    const { statusCode } = this.#res;
    this.#deps.metrics.answered('POST', this.#doc.path, statusCode, performance.now() - this.#startedAt);
  }
}

/** The whole body. Stays open for ever when the sender goes away: then there is nobody to answer. */
function textOf(req: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const [first] = chunks;
      resolve((chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)).toString());
    });
  });
}

/** Null for what is no JSON, and for JSON that is neither object nor list. */
function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

const oneOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : undefined;
