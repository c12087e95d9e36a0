import { notFound, type UserActor } from '../domain/access.js';
import { err, ok, type Result } from '../domain/result.js';
import type { DatabasePool } from '../infra/postgres.js';

/** One notice as its addressee sees it. Times are epoch ms. */
export interface InboxRow {
  readonly id: string;
  readonly template: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly readAt: number | null;
}

/** An advertiser's people share an inbox; so do the people of one role. */
type Addressee = Pick<UserActor, 'role' | 'advertiserId'>;

const OWN = '(n.advertiser_id = $1 OR n.role = $2)';
const ownOf = ({ role, advertiserId }: Addressee) =>
  role === 'advertiser' ? [advertiserId, null] : [null, role];

const COLUMNS = `n.id, n.template, n.variables, (extract(epoch FROM n.created_at) * 1000)::bigint AS "createdAt",
  (extract(epoch FROM n.read_at) * 1000)::bigint AS "readAt"`;

/** The newest first; `before` is the last row of the page before. */
export async function listInbox(
  pool: DatabasePool,
  addressee: Addressee,
  page: {
    readonly unread: boolean;
    readonly before: readonly [createdAt: number, id: string] | null;
    readonly limit: number;
  },
): Promise<InboxRow[]> {
  const [beforeMs, beforeId] = page.before ?? [null, null];
  const { rows } = await pool.query<InboxRow>(
    `SELECT ${COLUMNS} FROM notification n
      WHERE ${OWN} AND (NOT $3 OR n.read_at IS NULL)
        AND ($4::bigint IS NULL OR (n.created_at, n.id) < (to_timestamp($4 / 1000.0), $5::uuid))
      ORDER BY n.created_at DESC, n.id DESC LIMIT $6`,
    [...ownOf(addressee), page.unread, beforeMs, beforeId, page.limit],
  );
  return rows;
}

export async function countUnread(pool: DatabasePool, addressee: Addressee): Promise<number> {
  const { rows } = await pool.query<{ unread: number }>(
    `SELECT count(*) AS unread FROM notification n WHERE ${OWN} AND n.read_at IS NULL`,
    ownOf(addressee),
  );
  return rows[0]?.unread ?? 0;
}

/** The first reading counts; read again it stays. Error: `not_found`, also for somebody else's. */
export async function markRead(
  pool: DatabasePool,
  addressee: Addressee,
  id: string,
): Promise<Result<InboxRow>> {
  const { rows } = await pool.query<InboxRow>(
    `UPDATE notification n SET read_at = coalesce(n.read_at, business_now())
      WHERE ${OWN} AND n.id = $3 RETURNING ${COLUMNS}`,
    [...ownOf(addressee), id],
  );
  return rows[0] === undefined ? err(notFound('notification')) : ok(rows[0]);
}

export async function markAllRead(pool: DatabasePool, addressee: Addressee): Promise<void> {
  await pool.query(
    `UPDATE notification n SET read_at = business_now() WHERE ${OWN} AND n.read_at IS NULL`,
    ownOf(addressee),
  );
}
