import type { TaxParty } from '../domain/tax-invoice.js';
import type { Config } from '../infra/config.js';
import type { Queryable } from '../infra/postgres.js';

type PlatformConfig = Pick<
  Config,
  | 'PLATFORM_BUSINESS_NUMBER'
  | 'PLATFORM_NAME'
  | 'PLATFORM_REPRESENTATIVE'
  | 'PLATFORM_ADDRESS'
  | 'PLATFORM_EMAIL'
>;

/** The platform's own company, as the supplier of every document. */
export function platformParty(config: PlatformConfig): TaxParty {
  return {
    businessNumber: config.PLATFORM_BUSINESS_NUMBER,
    name: config.PLATFORM_NAME,
    representative: config.PLATFORM_REPRESENTATIVE,
    address: config.PLATFORM_ADDRESS,
    businessType: '정보통신업',
    businessItem: '온라인 광고',
    email: config.PLATFORM_EMAIL,
  };
}

/**
 * Buyers as the law wants them named: number and name from the advertiser, the rest from its approved application.
 * Only number and name are required by law; an advertiser without an application (the first ones were entered by hand)
 * has its name as representative, empty texts, and the address of its first person for mail.
 */
export async function readTaxParties(
  db: Queryable,
  advertiserIds: readonly string[],
): Promise<Map<string, TaxParty>> {
  const { rows } = await db.query<TaxParty & { advertiserId: string }>(
    `SELECT a.id AS "advertiserId", a.business_number AS "businessNumber", a.name,
       coalesce(p.representative, a.name) AS representative, coalesce(p.address, '') AS address,
       coalesce(p.business_type, '') AS "businessType", coalesce(p.business_item, '') AS "businessItem",
       coalesce(p.contact_email, (SELECT u.email FROM user_account u WHERE u.advertiser_id = a.id ORDER BY u.created_at, u.id LIMIT 1),
         'no-address@ads.example') AS email
     FROM advertiser a LEFT JOIN advertiser_application p ON p.advertiser_id = a.id AND p.status = 'approved'
     WHERE a.id = ANY($1)`,
    [advertiserIds],
  );
  return new Map(rows.map(({ advertiserId, ...party }) => [advertiserId, party]));
}
