import type pg from 'pg';

/** What of pg's protocol connection a COPY needs. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** `COPY … FROM STDIN` of text that is ready, as a query that node-postgres can run; a driver of its own is not worth it. */
class CopyFrom {
  readonly #text: string;
  readonly #data: Buffer;
  readonly #settle: (error: Error | null) => void;

  constructor(text: string, data: Buffer, settle: (error: Error | null) => void) {
    this.#text = text;
    this.#data = data;
    this.#settle = settle;
  }
  submit(connection: pg.Connection): void {
    connection.query(this.#text);
  }
  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.#data);
    connection.endCopyFrom();
  }
  handleCommandComplete(): void {}
  handleReadyForQuery(): void {
    this.#settle(null);
  }
  handleError(error: Error): void {
    this.#settle(error);
  }
}

export function copyInto(client: pg.PoolClient, table: string, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const copy = new CopyFrom(`COPY ${table} FROM STDIN`, data, (error) =>
      error ? reject(error) : resolve(),
    );
    client.query(copy);
  });
}

/** Rows as the text format of COPY wants them: tabs between, `\N` for null, backslash before what would be read otherwise. */
export async function rowsForCopy(db: pg.Pool, select: string, values: readonly unknown[]): Promise<Buffer> {
  const { rows } = await db.query<{ line: string }>(
    `SELECT (SELECT string_agg(coalesce(replace(replace(f.value, '\\', '\\\\'), E'\\t', '\\t'), '\\N'), E'\\t' ORDER BY f.no)
       FROM json_each_text(row_to_json(r)) WITH ORDINALITY AS f (key, value, no)) AS line FROM (${select}) AS r`,
    [...values],
  );
  return Buffer.from(rows.map(({ line }) => `${line}\n`).join(''));
}
