-- Applications of companies that want to advertise: personal data stands here and nowhere else.
CREATE TABLE advertiser_application (
  advertiser_id text NOT NULL,
  status text NOT NULL DEFAULT 'draft',
  version integer NOT NULL DEFAULT 0,
  company_name text NOT NULL,
  business_number text NOT NULL,
  representative text NOT NULL,
  opening_date text NOT NULL,
  address text NOT NULL,
  business_type text NOT NULL,
  business_item text NOT NULL,
  contact_email text NOT NULL,
  contact_phone text NOT NULL,
  contract_accepted_at timestamptz(3) NOT NULL,
  submitted_at timestamptz(3),
  resubmit_until timestamptz(3),
  claimed_by text,
  claimed_at timestamptz(3),
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  CONSTRAINT advertiser_application_pkey PRIMARY KEY (advertiser_id),
  CONSTRAINT advertiser_application_status CHECK (status IN ('draft', 'submitted', 'in_review', 'rejected', 'approved', 'closed')),
  CONSTRAINT advertiser_application_version CHECK (version >= 0 AND (status = 'draft') = (version = 0)),
  CONSTRAINT advertiser_application_submitted CHECK ((version = 0) = (submitted_at IS NULL)),
  CONSTRAINT advertiser_application_resubmission CHECK (status <> 'rejected' OR resubmit_until IS NOT NULL),
  CONSTRAINT advertiser_application_claim CHECK ((claimed_by IS NULL) = (claimed_at IS NULL)),
  CONSTRAINT advertiser_application_opening_date CHECK (opening_date ~ '^[0-9]{8}$')
);
CREATE INDEX advertiser_application_status_submitted_at_idx ON advertiser_application (status, submitted_at);
REVOKE DELETE ON advertiser_application FROM ads_app;

-- What was submitted, each time.
CREATE TABLE advertiser_application_version (
  advertiser_id text NOT NULL,
  version integer NOT NULL,
  fields jsonb NOT NULL,
  documents jsonb NOT NULL,
  submitted_at timestamptz(3) NOT NULL,
  CONSTRAINT advertiser_application_version_pkey PRIMARY KEY (advertiser_id, version),
  CONSTRAINT advertiser_application_version_advertiser_id_fkey FOREIGN KEY (advertiser_id)
    REFERENCES advertiser_application (advertiser_id) ON DELETE RESTRICT ON UPDATE RESTRICT
);

-- The uploaded papers. `version` is the one that the upload was made for; a later one without its own upload keeps it.
CREATE TABLE advertiser_document (
  advertiser_id text NOT NULL,
  kind text NOT NULL,
  version integer NOT NULL,
  content_type text NOT NULL,
  size_bytes integer NOT NULL,
  sha256 text NOT NULL,
  content bytea NOT NULL,
  uploaded_at timestamptz(3) NOT NULL,
  CONSTRAINT advertiser_document_pkey PRIMARY KEY (advertiser_id, kind, version),
  CONSTRAINT advertiser_document_advertiser_id_fkey FOREIGN KEY (advertiser_id)
    REFERENCES advertiser_application (advertiser_id) ON DELETE RESTRICT ON UPDATE RESTRICT,
  CONSTRAINT advertiser_document_kind CHECK (kind IN ('business_registration', 'contract')),
  CONSTRAINT advertiser_document_content_type CHECK (content_type IN ('application/pdf', 'image/png', 'image/jpeg')),
  CONSTRAINT advertiser_document_size CHECK (size_bytes = octet_length(content) AND size_bytes BETWEEN 1 AND 10485760),
  CONSTRAINT advertiser_document_sha256 CHECK (sha256 = encode(sha256(content), 'hex'))
);
REVOKE DELETE ON advertiser_document FROM ads_app;

-- The business registry's own words about a submitted version, with their time.
CREATE TABLE advertiser_registry_check (
  advertiser_id text NOT NULL,
  version integer NOT NULL,
  checked_at timestamptz(3) NOT NULL,
  status_reply jsonb,
  validate_reply jsonb,
  findings text[],
  CONSTRAINT advertiser_registry_check_pkey PRIMARY KEY (advertiser_id, version),
  CONSTRAINT advertiser_registry_check_advertiser_id_fkey FOREIGN KEY (advertiser_id)
    REFERENCES advertiser_application (advertiser_id) ON DELETE RESTRICT ON UPDATE RESTRICT
);

CREATE TABLE advertiser_review (
  id text NOT NULL,
  advertiser_id text NOT NULL,
  version integer NOT NULL,
  verdict text NOT NULL,
  reasons jsonb NOT NULL,
  reviewer_id text NOT NULL,
  via text NOT NULL,
  decided_at timestamptz(3) NOT NULL,
  CONSTRAINT advertiser_review_pkey PRIMARY KEY (id),
  CONSTRAINT advertiser_review_advertiser_id_fkey FOREIGN KEY (advertiser_id)
    REFERENCES advertiser_application (advertiser_id) ON DELETE RESTRICT ON UPDATE RESTRICT,
  CONSTRAINT advertiser_review_verdict CHECK (verdict IN ('approve', 'reject')),
  CONSTRAINT advertiser_review_via CHECK (via IN ('update', 'signal', 'system'))
);
-- One decision per submitted version.
CREATE UNIQUE INDEX advertiser_review_advertiser_id_version_key ON advertiser_review (advertiser_id, version);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON advertiser_application_version FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON advertiser_registry_check FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON advertiser_review FOR EACH ROW EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE ON advertiser_application_version, advertiser_registry_check, advertiser_review FROM ads_app;

-- The number of a closed company, or of an application that nobody went on with, may apply again.
DROP INDEX advertiser_business_number_key;
CREATE UNIQUE INDEX advertiser_business_number_key ON advertiser (business_number) WHERE status <> 'closed';

-- A notice whose addressee has no number or address is neither sent nor failed.
ALTER TABLE notification_delivery DROP CONSTRAINT notification_delivery_status;
ALTER TABLE notification_delivery ADD CONSTRAINT notification_delivery_status
  CHECK (status IN ('pending', 'sent', 'failed', 'skipped'));
