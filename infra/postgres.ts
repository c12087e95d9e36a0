import pg from 'pg';
import type { Config } from './config.js';

/** What an operation needs: a pool, or a client that is inside a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;
export type DatabasePool = pg.Pool;
export type DatabaseClient = pg.PoolClient;

const OID_INT8 = 20;
const OID_DATE = 1082;
const OID_INT8_ARRAY = 1016;

/** Won and ids are int8: exact numbers up to 2^53 - 1, and a loud stop beyond it. */
export function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`int8 value ${text} does not fit a JavaScript number`);
  return value;
}

const parseInt8Array = (text: string): number[] =>
  text === '{}' ? [] : text.slice(1, -1).split(',').map(parseInt8);

/** Per pool, so that other users of `pg` in the same process keep their own parsers. Dates stay `YYYY-MM-DD`. */
const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format !== 'binary') {
      if (oid === OID_INT8) return parseInt8;
      if (oid === OID_DATE) return (text: string) => text;
      if (oid === OID_INT8_ARRAY) return parseInt8Array;
    }
    return pg.types.getTypeParser(oid, format ?? 'text');
  },
};

export interface PoolOptions {
  readonly connectionString: string;
  readonly max: number;
  readonly applicationName?: string;
  /** Longest statement; none for migrations, reports and reconciliation. */
  readonly statementTimeoutMs?: number;
  /** A broken idle connection is replaced by the pool; the caller logs it. */
  readonly onIdleError?: (error: Error) => void;
}

/** A pool for any address; `createPool` is the one for processes. */
export function openPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.max,
    types,
    application_name: options.applicationName ?? 'ads',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    ...(options.statementTimeoutMs === undefined ? {} : bounds(options.statementTimeoutMs)),
  });
  pool.on('error', (error) => options.onIdleError?.(error));
  return pool;
}

/**
 * A peer that vanished without a word must not hold a lock, or a worker, for the hours that TCP allows: the server
 * gives up the statement, the lock and the idle transaction, the client gives up waiting a little later.
 */
function bounds(statementTimeoutMs: number): pg.PoolConfig {
  return {
    statement_timeout: statementTimeoutMs,
    lock_timeout: Math.round(statementTimeoutMs / 2),
    idle_in_transaction_session_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 5_000,
  };
}

const STATEMENT_TIMEOUT_MS = 10_000;

/** The pool of a process, as the application role. */
export function createPool(config: Config, onIdleError?: (error: Error) => void): pg.Pool {
  return openPool({
    connectionString: config.DATABASE_URL,
    max: config.DATABASE_POOL_SIZE,
    applicationName: config.INSTANCE_NAME,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    ...(onIdleError ? { onIdleError } : {}),
  });
}

/**
 * Runs `fn` in one READ COMMITTED transaction: commits its value, rolls back whatever it throws.
 * A connection whose rollback fails is destroyed, never reused.
 */
export async function withTransaction<T>(
  pool: pg.Pool,
  fn: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  // A checked-out client has no listener of the pool's: without one, a connection that ends kills the process. The
  // query that was running is rejected all the same.
  const ignored = () => undefined;
  client.on('error', ignored);
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const value = await fn(client);
    await client.query('COMMIT');
    return value;
  } catch (error) {
    broken = await rollback(client);
    throw error;
  } finally {
    client.off('error', ignored);
    client.release(broken);
  }
}

async function rollback(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Serialization failure, deadlock, unique violation by a concurrent twin: the second try sees the first one's rows. */
const RETRYABLE = new Set(['40001', '40P01', '23505']);
const MAX_TRIES = 6;

export function sqlStateOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** Thrown inside `withRetriedTransaction` to start the whole transaction again, a bounded number of times. */
export class RetryTransaction extends Error {
  readonly code = '40001';
}

/** `withTransaction`, tried again at most five times with jitter when PostgreSQL says that a twin was faster. */
export async function withRetriedTransaction<T>(
  pool: pg.Pool,
  fn: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withTransaction(pool, fn);
    } catch (error) {
      if (attempt >= MAX_TRIES || !RETRYABLE.has(sqlStateOf(error) ?? '')) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt));
    }
  }
}

type ArrayValue = string | number | null;
const isNumber = (value: ArrayValue) => typeof value === 'number';
const isText = (value: ArrayValue) => typeof value === 'string';

/**
 * An array as PostgreSQL reads it, for a parameter whose type the statement declares. The driver makes the same text, at
 * several times the cost per value; a batch of clicks has tens of thousands of them, nearly all in columns without null
 * and without anything to escape, which the engine joins at once.
 */
export function arrayLiteral(values: Iterable<ArrayValue>): string {
  const list = [...values];
  if (list.every(isNumber)) return `{${list.join(',')}}`;
  if (list.every(isText) && !needsEscape(list.join(''))) return `{"${list.join('","')}"}`;
  return `{${list.map(element).join(',')}}`;
}

const needsEscape = (text: string) => text.includes('"') || text.includes('\\');

function element(value: ArrayValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  return `"${needsEscape(value) ? value.replace(/["\\]/g, '\\$&') : value}"`;
}

/** A column of a bulk write: its name, and the SQL type of one value. */
export type Column = readonly [name: string, type: string];

/**
 * Inserts any number of rows in one statement with `unnest`, one array per column. Values are given in the order
 * of `columns`; jsonb values as JSON text. `suffix` is an ON CONFLICT clause.
 */
export async function insertRows(
  client: Queryable,
  table: string,
  columns: readonly Column[],
  rows: readonly (readonly unknown[])[],
  suffix = '',
): Promise<void> {
  if (rows.length === 0) return;
  const names = columns.map(([name]) => name).join(', ');
  const arrays = columns.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ');
  await client.query({
    name: `insert:${table}`,
    text: `INSERT INTO ${table} (${names}) SELECT * FROM unnest(${arrays}) ${suffix}`,
    values: columns.map((_, index) => rows.map((row) => row[index])),
  });
}
