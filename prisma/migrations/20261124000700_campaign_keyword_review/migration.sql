-- Each keyword is reviewed by a person: a campaign may be approved without some of its keywords.
ALTER TABLE campaign_keyword
  ADD COLUMN review_status text NOT NULL DEFAULT 'pending',
  ADD COLUMN rejection_reason text,
  ADD CONSTRAINT campaign_keyword_review_status CHECK (review_status IN ('pending', 'approved', 'rejected')),
  ADD CONSTRAINT campaign_keyword_rejection CHECK ((review_status = 'rejected') = (rejection_reason IS NOT NULL));
UPDATE campaign_keyword k SET review_status = 'approved'
  FROM campaign c WHERE c.id = k.campaign_id AND c.review_status = 'approved';
