import { createHash } from 'node:crypto';
import {
  type ApplicationFields,
  type ApplicationProblem,
  applicationProblems,
  type DocumentType,
  normaliseApplication,
} from '../domain/advertiser-application.js';
import {
  DOCUMENT_KINDS,
  type DocumentKind,
  isEditableApplication,
  RESUBMISSION_DAYS,
} from '../domain/advertiser-onboarding.js';
import { businessDateOf } from '../domain/business-date.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { newId } from '../infra/ids.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { type Application, noSuchApplication, readApplication } from './advertiser-application-read.js';
import { businessNow } from './campaign-read.js';
import { normaliseEmail } from './create-user.js';
import { notify } from './notify.js';
import { hashPassword, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './passwords.js';

/** Every problem of the application together. */
export interface ApplicationFailure extends Failure {
  readonly errors?: readonly ApplicationProblem[];
}

export interface NewApplication {
  readonly fields: ApplicationFields;
  readonly password: string;
}

/**
 * A company signs up: an application, an advertiser that may do nothing yet, and a person who may sign in and go on.
 * Errors: `invalid_application`, `weak_password`, `already_exists` (the business number or the address).
 */
export async function createApplication(
  pool: DatabasePool,
  input: NewApplication,
): Promise<Result<Application, ApplicationFailure>> {
  const { length } = input.password;
  if (length < MIN_PASSWORD_LENGTH || length > MAX_PASSWORD_LENGTH) return err(WEAK_PASSWORD);
  const fields = normaliseApplication(input.fields);
  const problem = fieldsProblem(fields, await businessNow(pool));
  if (problem !== null) return err(problem);
  const passwordHash = await hashPassword(input.password);
  return withRetriedTransaction(pool, async (client) => {
    await releaseAbandonedNumber(client, fields.businessNumber);
    if (await isNumberTaken(client, fields.businessNumber, null)) return err(NUMBER_TAKEN);
    const email = normaliseEmail(fields.contactEmail);
    const known = await client.query('SELECT 1 FROM user_account WHERE email = $1', [email]);
    if (known.rows.length > 0) return err(EMAIL_TAKEN);
    const advertiserId = newId('adv');
    await client.query(
      `INSERT INTO advertiser (id, name, business_number, status, created_at)
       VALUES ($1, $2, $3, 'applied', business_now())`,
      [advertiserId, fields.companyName, fields.businessNumber],
    );
    await client.query(
      `INSERT INTO user_account (id, email, password_hash, display_name, role, advertiser_id)
       VALUES ($1, $2, $3, $4, 'advertiser', $5)`,
      [newId('usr'), email, passwordHash, fields.representative, advertiserId],
    );
    await client.query(
      `INSERT INTO advertiser_application (advertiser_id, company_name, business_number, representative, opening_date,
         address, business_type, business_item, contact_email, contact_phone, contract_accepted_at, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, business_now(), business_now(), business_now())`,
      [advertiserId, ...columnsOf(fields)],
    );
    return ok(await existing(client, advertiserId));
  });
}

/** Corrects particulars before the first submission or after a rejection. Fields that are not named stay. */
export async function changeApplication(
  pool: DatabasePool,
  advertiserId: string,
  change: ApplicationChange,
): Promise<Result<Application, ApplicationFailure>> {
  return withRetriedTransaction(pool, async (client) => {
    const editable = await lockEditable(client, advertiserId);
    if (!editable.ok) return editable;
    const fields = normaliseApplication(merged(editable.value, change));
    const problem = fieldsProblem(fields, await businessNow(client));
    if (problem !== null) return err(problem);
    if (await isNumberTaken(client, fields.businessNumber, advertiserId)) return err(NUMBER_TAKEN);
    await client.query(
      `UPDATE advertiser_application SET company_name = $2, business_number = $3, representative = $4,
         opening_date = $5, address = $6, business_type = $7, business_item = $8, contact_email = $9,
         contact_phone = $10, updated_at = business_now() WHERE advertiser_id = $1`,
      [advertiserId, ...columnsOf(fields)],
    );
    await client.query('UPDATE advertiser SET name = $2, business_number = $3 WHERE id = $1', [
      advertiserId,
      fields.companyName,
      fields.businessNumber,
    ]);
    return ok(await existing(client, advertiserId));
  });
}

/** A paper for the next submission; sent again it replaces the one before. */
export async function putDocument(
  pool: DatabasePool,
  advertiserId: string,
  document: { readonly kind: DocumentKind; readonly contentType: DocumentType; readonly content: Buffer },
): Promise<Result<Application, ApplicationFailure>> {
  const { kind, contentType, content } = document;
  const sha256 = createHash('sha256').update(content).digest('hex');
  return withRetriedTransaction(pool, async (client) => {
    const editable = await lockEditable(client, advertiserId);
    if (!editable.ok) return editable;
    await client.query(
      `INSERT INTO advertiser_document (advertiser_id, kind, version, content_type, size_bytes, sha256, content, uploaded_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, business_now())
       ON CONFLICT (advertiser_id, kind, version) DO UPDATE SET content_type = excluded.content_type,
         size_bytes = excluded.size_bytes, sha256 = excluded.sha256, content = excluded.content,
         uploaded_at = excluded.uploaded_at`,
      [advertiserId, kind, editable.value.version + 1, contentType, content.length, sha256, content],
    );
    return ok(await existing(client, advertiserId));
  });
}

/**
 * Into the automatic check and then the review queue, as a new version. Done again for an application that already
 * waits it changes nothing, so that a submission whose workflow could not be told is simply sent again.
 */
export async function submitApplication(
  pool: DatabasePool,
  advertiserId: string,
): Promise<Result<Application, ApplicationFailure>> {
  return withRetriedTransaction(pool, async (client) => {
    const application = await readApplication(client, advertiserId, { lock: true });
    if (application === null) return err(noSuchApplication);
    if (application.status === 'submitted' || application.status === 'in_review') return ok(application);
    const now = await businessNow(client);
    const problem = submissionProblem(application, now);
    if (problem !== null) return err(problem);
    if (await isNumberTaken(client, application.businessNumber, advertiserId)) return err(NUMBER_TAKEN);
    await writeVersion(client, application);
    const version = String(application.version + 1);
    await notify(client, {
      dedupeKey: `advertiser-application-received:${advertiserId}:${version}`,
      template: 'advertiser_application_received',
      to: { advertiserId },
      variables: { companyName: application.companyName },
    });
    return ok(await existing(client, advertiserId));
  });
}

function submissionProblem(application: Application, now: number): ApplicationFailure | null {
  if (!isEditableApplication(application.status)) return notEditable(application);
  if (application.status === 'rejected' && (application.resubmitUntil ?? 0) <= now) {
    return {
      code: 'wrong_status',
      message: 'The time for a corrected application is over.',
      nextStep: 'Apply again from the beginning.',
    };
  }
  const missing = DOCUMENT_KINDS.filter(
    (kind) => !application.documents.some((paper) => paper.kind === kind),
  );
  if (missing.length === 0) return fieldsProblem(application, now);
  return {
    code: 'documents_missing',
    message: `Papers are missing: ${missing.join(', ')}.`,
    nextStep: 'Send them with PUT /v1/advertiser-applications/{id}/documents/{kind}, then submit again.',
    errors: missing.map((kind) => ({ field: `documents.${kind}`, message: 'is missing' })),
  };
}

async function writeVersion(client: Queryable, application: Application): Promise<void> {
  const { advertiserId, documents } = application;
  const fields = normaliseApplication(application);
  const papers = Object.fromEntries(documents.map(({ kind, sha256 }) => [kind, sha256]));
  await client.query(
    `INSERT INTO advertiser_application_version (advertiser_id, version, fields, documents, submitted_at)
     VALUES ($1, $2, $3, $4, business_now())`,
    [advertiserId, application.version + 1, JSON.stringify(fields), JSON.stringify(papers)],
  );
  await client.query(
    `UPDATE advertiser_application SET status = 'submitted', version = version + 1, submitted_at = business_now(),
       resubmit_until = NULL, claimed_by = NULL, claimed_at = NULL, updated_at = business_now()
     WHERE advertiser_id = $1`,
    [advertiserId],
  );
}

async function lockEditable(
  client: Queryable,
  advertiserId: string,
): Promise<Result<Application, ApplicationFailure>> {
  const application = await readApplication(client, advertiserId, { lock: true });
  if (application === null) return err(noSuchApplication);
  return isEditableApplication(application.status) ? ok(application) : err(notEditable(application));
}

/**
 * Anybody can sign up with any number: a draft that nobody has touched for as long as a rejected application may wait
 * gives its number to the next who applies. It may still be submitted while nobody else has the number.
 */
async function releaseAbandonedNumber(client: Queryable, businessNumber: string): Promise<void> {
  await client.query(
    `UPDATE advertiser SET status = 'closed' WHERE id = (
       SELECT p.advertiser_id FROM advertiser_application p JOIN advertiser a ON a.id = p.advertiser_id
        WHERE a.business_number = $1 AND a.status = 'applied' AND p.status = 'draft'
          AND p.updated_at < business_now() - make_interval(days => $2)
          AND NOT EXISTS (SELECT FROM advertiser_document d WHERE d.advertiser_id = p.advertiser_id
                             AND d.uploaded_at >= business_now() - make_interval(days => $2))
        FOR UPDATE OF p)`,
    [businessNumber, RESUBMISSION_DAYS],
  );
}

/** `closed` companies and applications do not keep their number from others. */
async function isNumberTaken(
  client: Queryable,
  businessNumber: string,
  ownId: string | null,
): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT 1 FROM advertiser WHERE business_number = $1 AND status <> 'closed' AND id IS DISTINCT FROM $2`,
    [businessNumber, ownId],
  );
  return rows.length > 0;
}

async function existing(client: Queryable, advertiserId: string): Promise<Application> {
  const application = await readApplication(client, advertiserId);
  if (application === null) throw new Error(`application of ${advertiserId} vanished inside its transaction`);
  return application;
}

const columnsOf = (fields: ApplicationFields) => [
  fields.companyName,
  fields.businessNumber,
  fields.representative,
  fields.openingDate,
  fields.address,
  fields.businessType,
  fields.businessItem,
  fields.contactEmail,
  fields.contactPhone,
];

type ApplicationChange = { readonly [K in keyof ApplicationFields]?: string | undefined };

const merged = (now: ApplicationFields, change: ApplicationChange): ApplicationFields => ({
  companyName: change.companyName ?? now.companyName,
  businessNumber: change.businessNumber ?? now.businessNumber,
  representative: change.representative ?? now.representative,
  openingDate: change.openingDate ?? now.openingDate,
  address: change.address ?? now.address,
  businessType: change.businessType ?? now.businessType,
  businessItem: change.businessItem ?? now.businessItem,
  contactEmail: change.contactEmail ?? now.contactEmail,
  contactPhone: change.contactPhone ?? now.contactPhone,
});

function fieldsProblem(fields: ApplicationFields, now: number): ApplicationFailure | null {
  const errors = applicationProblems(normaliseApplication(fields), businessDateOf(now).replaceAll('-', ''));
  if (errors.length === 0) return null;
  return {
    code: 'invalid_application',
    message: `The application is not complete: ${errors.map(({ field }) => field).join(', ')}.`,
    nextStep: 'Correct the listed fields.',
    errors,
  };
}

function notEditable(application: Application): ApplicationFailure {
  return {
    code: 'wrong_status',
    message: `The application is ${application.status}.`,
    nextStep: 'It can be changed before it is submitted, and after a rejection.',
  };
}

const WEAK_PASSWORD: Failure = {
  code: 'weak_password',
  message: `A password has ${MIN_PASSWORD_LENGTH} to ${MAX_PASSWORD_LENGTH} characters.`,
  field: 'password',
};
const NUMBER_TAKEN: Failure = {
  code: 'already_exists',
  message: 'A company with this business number has applied or advertises already.',
  nextStep: 'Sign in with the account of that company, or ask us.',
  field: 'businessNumber',
};
const EMAIL_TAKEN: Failure = {
  code: 'already_exists',
  message: 'There is an account with this address already.',
  nextStep: 'Sign in with it, or apply with another address.',
  field: 'contactEmail',
};
