import type { ApplicationFields } from '../domain/advertiser-application.js';
import type { DocumentKind, RejectionCode, RejectionReason } from '../domain/advertiser-onboarding.js';
import type { Failure } from '../domain/result.js';
import type { Queryable } from '../infra/postgres.js';

export type ApplicationStatus = 'draft' | 'submitted' | 'in_review' | 'rejected' | 'approved' | 'closed';

export interface DocumentFacts {
  readonly kind: DocumentKind;
  readonly version: number;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Epoch ms, as all times here. */
  readonly uploadedAt: number;
}

/** The application of one company, as it is now. */
export interface Application extends ApplicationFields {
  readonly advertiserId: string;
  readonly status: ApplicationStatus;
  /** Submissions so far. */
  readonly version: number;
  readonly submittedAt: number | null;
  readonly resubmitUntil: number | null;
  readonly claimedBy: string | null;
  readonly claimedAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The newest of each kind. */
  readonly documents: readonly DocumentFacts[];
}

export const noSuchApplication: Failure = {
  code: 'not_found',
  message: 'There is no such application, or it is not yours.',
};

const ms = (column: string) => `(extract(epoch FROM ${column}) * 1000)::bigint`;

const COLUMNS = `
  a.advertiser_id AS "advertiserId", a.status, a.version, a.company_name AS "companyName",
  a.business_number AS "businessNumber", a.representative, a.opening_date AS "openingDate", a.address,
  a.business_type AS "businessType", a.business_item AS "businessItem", a.contact_email AS "contactEmail",
  a.contact_phone AS "contactPhone", ${ms('a.submitted_at')} AS "submittedAt",
  ${ms('a.resubmit_until')} AS "resubmitUntil", a.claimed_by AS "claimedBy", ${ms('a.claimed_at')} AS "claimedAt",
  ${ms('a.created_at')} AS "createdAt", ${ms('a.updated_at')} AS "updatedAt",
  (SELECT coalesce(json_agg(json_build_object('kind', d.kind, 'version', d.version, 'contentType', d.content_type,
            'sizeBytes', d.size_bytes, 'sha256', d.sha256, 'uploadedAt', ${ms('d.uploaded_at')}) ORDER BY d.kind), '[]')
     FROM (SELECT DISTINCT ON (kind) * FROM advertiser_document WHERE advertiser_id = a.advertiser_id
            ORDER BY kind, version DESC) d) AS documents`;

/** `lock` takes the row for the rest of the transaction: every write to an application begins with it. */
export async function readApplication(
  db: Queryable,
  advertiserId: string,
  options: { readonly lock?: boolean } = {},
): Promise<Application | null> {
  const { rows } = await db.query<Application>(
    `SELECT ${COLUMNS} FROM advertiser_application a WHERE a.advertiser_id = $1 ${options.lock ? 'FOR UPDATE OF a' : ''}`,
    [advertiserId],
  );
  return rows[0] ?? null;
}

export interface ApplicationVersion {
  readonly version: number;
  readonly fields: ApplicationFields;
  readonly documents: Readonly<Partial<Record<DocumentKind, string>>>;
  readonly submittedAt: number;
  readonly check: { readonly checkedAt: number; readonly findings: readonly RejectionCode[] } | null;
  readonly review: {
    readonly verdict: 'approve' | 'reject';
    readonly reasons: readonly RejectionReason[];
    readonly via: 'update' | 'signal' | 'system';
    readonly reviewerId: string;
    readonly decidedAt: number;
  } | null;
}

/** Every submission with what was found and decided, the first one first. */
export async function readApplicationHistory(
  db: Queryable,
  advertiserId: string,
): Promise<ApplicationVersion[]> {
  const { rows } = await db.query<ApplicationVersion>(
    `SELECT v.version, v.fields, v.documents, ${ms('v.submitted_at')} AS "submittedAt",
            (SELECT json_build_object('checkedAt', ${ms('c.checked_at')}, 'findings', c.findings)
               FROM advertiser_registry_check c
              WHERE c.advertiser_id = v.advertiser_id AND c.version = v.version) AS check,
            (SELECT json_build_object('verdict', r.verdict, 'reasons', r.reasons, 'via', r.via,
                                      'reviewerId', r.reviewer_id, 'decidedAt', ${ms('r.decided_at')})
               FROM advertiser_review r
              WHERE r.advertiser_id = v.advertiser_id AND r.version = v.version) AS review
       FROM advertiser_application_version v WHERE v.advertiser_id = $1 ORDER BY v.version`,
    [advertiserId],
  );
  return rows;
}

export interface QueuedApplication extends Application {
  readonly submittedAt: number;
  readonly findings: readonly RejectionCode[];
}

/** Applications that wait for a reviewer, the oldest submission first; `after` is the last row of the page before. */
export async function listApplicationQueue(
  db: Queryable,
  page: {
    readonly after: readonly [submittedAt: number, advertiserId: string] | null;
    readonly limit: number;
  },
): Promise<QueuedApplication[]> {
  const [afterMs, afterId] = page.after ?? [null, null];
  const { rows } = await db.query<QueuedApplication>(
    `SELECT ${COLUMNS}, coalesce(c.findings, '{}') AS findings
       FROM advertiser_application a
       LEFT JOIN advertiser_registry_check c ON c.advertiser_id = a.advertiser_id AND c.version = a.version
      WHERE a.status = 'in_review'
        AND ($1::bigint IS NULL OR (a.submitted_at, a.advertiser_id COLLATE "C") > (to_timestamp($1 / 1000.0), $2::text))
      ORDER BY a.submitted_at, a.advertiser_id COLLATE "C" LIMIT $3`,
    [afterMs, afterId, page.limit],
  );
  return rows;
}

export interface StoredDocument {
  readonly contentType: string;
  readonly sha256: string;
  readonly content: Buffer;
}

/** The newest paper of a kind, or the one that stood with an earlier submission. */
export async function readDocument(
  db: Queryable,
  advertiserId: string,
  kind: DocumentKind,
  version: number | null,
): Promise<StoredDocument | null> {
  const { rows } = await db.query<StoredDocument>(
    `SELECT content_type AS "contentType", sha256, content FROM advertiser_document
      WHERE advertiser_id = $1 AND kind = $2 AND ($3::int IS NULL OR version <= $3) ORDER BY version DESC LIMIT 1`,
    [advertiserId, kind, version],
  );
  return rows[0] ?? null;
}
