-- Notices to people: written in the transaction of what they tell, delivered afterwards.
CREATE TABLE notification (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  dedupe_key text NOT NULL,
  template text NOT NULL,
  advertiser_id text,
  role text,
  variables jsonb NOT NULL,
  created_at timestamptz(3) NOT NULL,
  read_at timestamptz(3),
  CONSTRAINT notification_pkey PRIMARY KEY (id),
  CONSTRAINT notification_one_addressee CHECK ((advertiser_id IS NULL) <> (role IS NULL)),
  CONSTRAINT notification_role CHECK (role IN ('admin', 'finance'))
);
CREATE UNIQUE INDEX notification_dedupe_key_key ON notification (dedupe_key);
CREATE INDEX notification_advertiser_id_created_at_idx ON notification (advertiser_id, created_at);
CREATE INDEX notification_role_created_at_idx ON notification (role, created_at);

CREATE TABLE notification_delivery (
  notification_id uuid NOT NULL,
  channel text NOT NULL,
  status text NOT NULL DEFAULT 'pending',
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  last_error text,
  sent_at timestamptz(3),
  CONSTRAINT notification_delivery_pkey PRIMARY KEY (notification_id, channel),
  CONSTRAINT notification_delivery_channel CHECK (channel IN ('mail', 'alimtalk')),
  CONSTRAINT notification_delivery_status CHECK (status IN ('pending', 'sent', 'failed')),
  CONSTRAINT notification_delivery_sent CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
  CONSTRAINT notification_delivery_notification_id_fkey FOREIGN KEY (notification_id)
    REFERENCES notification (id) ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX notification_delivery_status_next_attempt_at_idx ON notification_delivery (status, next_attempt_at);
REVOKE DELETE ON notification, notification_delivery FROM ads_app;
