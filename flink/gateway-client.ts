import { z } from 'zod';

/** Flink answered, and the answer is no. `problem` is what the planner or the cluster said, without Java frames. */
export class FlinkError extends Error {
  constructor(
    readonly request: string,
    readonly status: number,
    readonly problem: string,
  ) {
    super(`${request} answered ${status}: ${problem}`);
    this.name = 'FlinkError';
  }
}

const REQUEST_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 120_000;
const POLL_MS = 25;

const errorsSchema = z.object({ errors: z.array(z.string()) });
const sessionSchema = z.object({ sessionHandle: z.string() });
const operationSchema = z.object({ operationHandle: z.string() });
const pageSchema = z.object({
  resultType: z.enum(['NOT_READY', 'PAYLOAD', 'EOS']),
  jobID: z.string().nullish(),
  nextResultUri: z.string().nullish(),
  results: z
    .object({
      columns: z.array(z.object({ name: z.string() })),
      data: z.array(z.object({ kind: z.string(), fields: z.array(z.unknown()) })),
    })
    .optional(),
});

export type RowKind = 'INSERT' | 'UPDATE_BEFORE' | 'UPDATE_AFTER' | 'DELETE';
export interface ResultRow {
  readonly kind: RowKind;
  readonly fields: Readonly<Record<string, unknown>>;
}
export interface StatementResult {
  /** Set when the statement started a job. */
  readonly jobId: string | undefined;
  readonly rows: readonly ResultRow[];
}

/** The SQL gateway's REST API: sessions, and statements run to their end. */
export class SqlGatewayClient {
  /** `signal` ends everything that is under way. */
  constructor(
    private readonly baseUrl: string,
    private readonly signal?: AbortSignal | undefined,
  ) {}

  /** Opens a session with these settings; the caller closes it. */
  async openSession(settings: Readonly<Record<string, string>>): Promise<SqlSession> {
    const { sessionHandle } = await request(`${this.baseUrl}/v1/sessions`, sessionSchema, {
      method: 'POST',
      body: { properties: settings },
      signal: this.signal,
    });
    return new SqlSession(this.baseUrl, sessionHandle, this.signal);
  }

  /** Opens a session, hands it over, and closes it whatever happens. */
  async withSession<T>(
    settings: Readonly<Record<string, string>>,
    use: (session: SqlSession) => Promise<T>,
  ): Promise<T> {
    const session = await this.openSession(settings);
    try {
      return await use(session);
    } finally {
      await session.close();
    }
  }
}

export class SqlSession {
  private readonly url: string;

  constructor(
    private readonly baseUrl: string,
    handle: string,
    private readonly signal?: AbortSignal | undefined,
  ) {
    this.url = `${baseUrl}/v1/sessions/${handle}`;
  }

  /** A session that cannot be closed ends by its idle timeout, so this does not throw. */
  async close(): Promise<void> {
    await request(this.url, z.unknown(), { method: 'DELETE' }).catch(() => undefined);
  }

  /** Runs one statement and reads all of its rows. Throws `FlinkError` with the planner's own words. */
  async execute(statement: string, timeoutMs = STATEMENT_TIMEOUT_MS): Promise<StatementResult> {
    const deadline = Date.now() + timeoutMs;
    const { operationHandle } = await request(`${this.url}/statements`, operationSchema, {
      method: 'POST',
      body: { statement },
      signal: this.signal,
    });
    const rows: ResultRow[] = [];
    let jobId: string | undefined;
    let uri = `${this.url}/operations/${operationHandle}/result/0?rowFormat=JSON`;
    for (;;) {
      const page = await request(uri, pageSchema, { signal: this.signal });
      if (page.resultType !== 'NOT_READY') {
        jobId = page.jobID ?? jobId;
        rows.push(...rowsOf(page));
        if (page.resultType === 'EOS' || !page.nextResultUri) break;
        uri = new URL(page.nextResultUri, this.baseUrl).href;
      }
      if (Date.now() > deadline)
        throw new FlinkError(firstLine(statement), 0, `no end within ${timeoutMs} ms`);
      if ((page.results?.data.length ?? 0) === 0) await pause(POLL_MS);
    }
    return { jobId: jobId ?? jobIdIn(rows), rows };
  }
}

function rowsOf(page: z.infer<typeof pageSchema>): ResultRow[] {
  const columns = page.results?.columns ?? [];
  return (page.results?.data ?? []).map(({ kind, fields }) => ({
    kind: kind as RowKind,
    fields: Object.fromEntries(columns.map((column, index) => [column.name, fields[index]])),
  }));
}

/** A statement set answers with one row that holds the job id. */
function jobIdIn(rows: readonly ResultRow[]): string | undefined {
  const id = rows[0]?.fields['job id'];
  return typeof id === 'string' ? id : undefined;
}

const firstLine = (statement: string) =>
  statement
    .split('\n')
    .find((line) => line.trim() !== '' && !line.startsWith('--'))
    ?.slice(0, 80) ?? 'statement';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** One HTTP exchange with a JSON answer. Throws `FlinkError` for an answer that is an error, else the network's error. */
export async function request<T>(
  url: string,
  schema: z.ZodType<T>,
  options: { method?: string; body?: unknown; signal?: AbortSignal | undefined } = {},
): Promise<T> {
  const method = options.method ?? 'GET';
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const response = await fetch(url, {
    method,
    signal: options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]),
    headers: { 'content-type': 'application/json' },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const name = `${method} ${new URL(url).pathname}`;
  const json = parseJson(text);
  const failed = errorsSchema.safeParse(json);
  if (failed.success) throw new FlinkError(name, response.status, readable(failed.data.errors.join('\n')));
  if (!response.ok) throw new FlinkError(name, response.status, text.slice(0, 500));
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    throw new FlinkError(name, response.status, `unexpected answer: ${parsed.error.message}`);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

const MAX_PROBLEM_LINES = 12;

/** Java frames, the gateway's own wrapping, and the parser's list of all words it knows. */
const NOISE =
  /^\s*(at |\.\.\. \d+ more|<Exception|"|Internal server error)|SqlGatewayException|Failed to execute the operation|^\s*$/;

/** The gateway answers with a Java stack trace: the useful lines are few. */
function readable(trace: string): string {
  const lines = trace.split('\n').filter((line) => !NOISE.test(line));
  return [...new Set(lines)].slice(0, MAX_PROBLEM_LINES).join('\n').slice(0, 3_000);
}
