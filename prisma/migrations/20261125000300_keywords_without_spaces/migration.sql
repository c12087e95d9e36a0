-- The normal form of a keyword has no spaces (`normaliseKeyword`), so that 무선 이어폰 and 무선이어폰 are one keyword.
-- Rows written before had single spaces. Of two that become one, the decided one stays, a rejection before all.
DELETE FROM campaign_keyword k
 USING campaign_keyword other
 WHERE other.campaign_id = k.campaign_id AND other.keyword <> k.keyword
   AND replace(other.keyword, ' ', '') = replace(k.keyword, ' ', '')
   AND (array_position(ARRAY['rejected', 'approved', 'pending'], other.review_status), other.keyword)
     < (array_position(ARRAY['rejected', 'approved', 'pending'], k.review_status), k.keyword);
UPDATE campaign_keyword SET keyword = replace(keyword, ' ', '') WHERE keyword LIKE '% %';
