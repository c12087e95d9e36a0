/** One row of bigint figures; every figure named `wrong...` must be zero. */
export interface InvariantQuery {
  readonly id: string;
  readonly title: string;
  readonly sql: string;
}

export const RECONCILE_QUERIES: readonly InvariantQuery[] = [
  {
    id: 'I1',
    title: 'the sum of an advertiser’s wallet entries is its balance, fund by fund',
    sql: `
      WITH sums AS (
        SELECT advertiser_id,
          coalesce(sum(amount_krw) FILTER (WHERE account = 'wallet_cash'), 0) AS cash,
          coalesce(sum(amount_krw) FILTER (WHERE account = 'wallet_promo'), 0) AS promo,
          max(advertiser_seq) AS last_seq, count(advertiser_seq) AS entries
        FROM ledger_entry WHERE advertiser_seq IS NOT NULL GROUP BY advertiser_id)
      SELECT count(*) AS advertisers, coalesce(sum(b.cash_krw), 0)::bigint AS cash_krw,
        coalesce(sum(b.promo_krw), 0)::bigint AS promo_krw,
        count(*) FILTER (WHERE coalesce(s.cash, 0) IS DISTINCT FROM b.cash_krw
          OR coalesce(s.promo, 0) IS DISTINCT FROM b.promo_krw) AS "wrongBalances",
        count(*) FILTER (WHERE coalesce(s.entries, 0) IS DISTINCT FROM b.seq
          OR coalesce(s.last_seq, 0) IS DISTINCT FROM b.seq) AS "wrongSequences"
      FROM advertiser_balance b FULL JOIN sums s USING (advertiser_id)`,
  },
  {
    id: 'I1b',
    title: 'each wallet entry continues the balance of the one before it',
    sql: `
      WITH run AS (
        SELECT amount_krw, balance_after_krw, lag(balance_after_krw, 1, 0::bigint)
          OVER (PARTITION BY advertiser_id, account ORDER BY advertiser_seq) AS before
        FROM ledger_entry WHERE advertiser_seq IS NOT NULL)
      SELECT count(*) AS entries, count(*) FILTER (WHERE before + amount_krw <> balance_after_krw) AS "wrongEntries" FROM run`,
  },
  {
    id: 'I1c',
    title: 'a promo balance is the sum of its lots',
    sql: `
      WITH lots AS (SELECT advertiser_id, sum(remaining_krw) AS krw, count(*) AS n FROM promo_lot GROUP BY advertiser_id)
      SELECT coalesce(sum(l.n), 0)::bigint AS lots,
        count(*) FILTER (WHERE coalesce(l.krw, 0) IS DISTINCT FROM b.promo_krw) AS "wrongBalances"
      FROM advertiser_balance b FULL JOIN lots l USING (advertiser_id)`,
  },
  {
    id: 'I1d',
    title:
      'every credited top-up is in the ledger, as often and as much; what is owed is the sum of its entries',
    sql: `
      WITH booked AS (
        SELECT split_part(t.cause_key, ':', 2) AS id,
          count(*) FILTER (WHERE t.cause = 'top_up') AS credits, count(*) FILTER (WHERE t.cause = 'top_up_reversal') AS reversals,
          coalesce(sum(-e.amount_krw), 0) AS net, min(t.advertiser_id) AS a, max(t.advertiser_id) AS a2
        FROM ledger_transaction t
        JOIN ledger_entry e ON e.transaction_id = t.id AND e.booked_date = t.booked_date AND e.account = 'payment_clearing'
        WHERE t.cause IN ('top_up', 'top_up_reversal') AND t.cause_key ~ '^top-up(-reversal)?:top_'
        GROUP BY 1),
      ordered AS (SELECT id, credits, reversals, (credits - reversals) * amount_krw AS net, advertiser_id AS a FROM top_up
        WHERE credits > 0),
      owed AS (SELECT advertiser_id, -sum(amount_krw) AS krw FROM ledger_entry WHERE account = 'receivable' GROUP BY advertiser_id)
      SELECT (SELECT count(*) FROM ordered) AS "creditedTopUps",
        (SELECT coalesce(sum(net), 0)::bigint FROM ordered) AS "creditedKrw",
        (SELECT count(*) FROM booked b FULL JOIN ordered o USING (id) WHERE (b.credits, b.reversals, b.net, b.a, b.a2)
          IS DISTINCT FROM (o.credits, o.reversals, o.net, o.a, o.a)) AS "wrongTopUps",
        (SELECT coalesce(sum(owed_krw), 0)::bigint FROM advertiser_receivable) AS "owedKrw",
        (SELECT count(*) FROM advertiser_receivable r FULL JOIN owed USING (advertiser_id)
          WHERE coalesce(r.owed_krw, 0) <> coalesce(owed.krw, 0)) AS "wrongReceivables"`,
  },
  {
    id: 'I2',
    title: 'nothing was charged beyond balance, daily or total budget',
    sql: `
      WITH back AS (
        SELECT campaign_id, booked_date, sum(cash_krw + promo_krw) AS krw FROM click_reversal
        WHERE booked_date = charge_booked_date GROUP BY campaign_id, booked_date)
      SELECT
        (SELECT count(*) FROM advertiser_balance WHERE cash_krw < 0 OR promo_krw < 0) AS "wrongBalances",
        (SELECT count(*) FROM ledger_entry WHERE balance_after_krw < 0) AS "wrongEntries",
        (SELECT count(*) FROM promo_lot WHERE remaining_krw < 0 OR remaining_krw > granted_krw) AS "wrongLots",
        (SELECT count(*) FROM campaign_budget WHERE total_spent_krw > total_budget_krw) AS "wrongTotals",
        count(*) FILTER (WHERE d.spent_krw - coalesce(back.krw, 0) > d.budget_krw) AS "wrongDays",
        count(*) AS "campaignDays"
      FROM campaign_daily_spend d
      LEFT JOIN back ON back.campaign_id = d.campaign_id AND back.booked_date = d.business_date`,
  },
  {
    id: 'I3',
    title: 'at most one charge per click id, in the month that the id names',
    sql: `
      SELECT count(*) AS clicks, count(*) - count(DISTINCT click_id) AS "wrongDuplicates",
        count(*) FILTER (WHERE issued_month
          <> date_trunc('month', uuid_extract_timestamp(click_id) AT TIME ZONE 'Asia/Seoul')::date) AS "wrongMonths"
      FROM click_charge`,
  },
  {
    id: 'I4',
    title: 'every click ended exactly one way, and no dead letter is unresolved',
    // Letters of the conversion match are no clicks: no outcome and no money waits for them.
    sql: `
      SELECT count(*) AS clicks,
        count(*) FILTER (WHERE outcome = 'charged') AS charged,
        count(*) FILTER (WHERE outcome = 'no_balance') AS "noBalance",
        count(*) FILTER (WHERE outcome = 'over_budget') AS "overBudget",
        count(*) FILTER (WHERE outcome = 'invalid') AS invalid,
        count(*) FILTER (WHERE (outcome = 'charged') <> (reason IS NULL) OR (outcome = 'charged') <> (charged_krw > 0)
          OR outcome NOT IN ('charged', 'no_balance', 'over_budget', 'invalid')) AS "wrongOutcomes",
        (SELECT count(*) FROM dead_letter
          WHERE resolved_at IS NULL AND topic NOT LIKE '%conversion-events') AS "wrongDeadLetters"
      FROM click_charge`,
  },
  {
    id: 'I5',
    title: 'the charged price is the token price',
    sql: `
      SELECT count(*) AS charged, coalesce(sum(charged_krw), 0)::bigint AS "chargedKrw",
        count(*) FILTER (WHERE charged_krw <> token_price_krw OR cash_krw + promo_krw <> charged_krw) AS "wrongPrices"
      FROM click_charge WHERE outcome = 'charged'`,
  },
  {
    id: 'I6',
    title: 'spend per campaign and day, and of its life, is the sum of its clicks less reversals',
    sql: `
      WITH clicks AS (
        SELECT campaign_id, booked_date, sum(charged_krw) AS krw, count(*) FILTER (WHERE outcome = 'charged') AS n,
          coalesce(sum(token_price_krw) FILTER (WHERE outcome IN ('no_balance', 'over_budget')), 0) AS over_krw,
          count(*) FILTER (WHERE outcome IN ('no_balance', 'over_budget')) AS over_n
        FROM click_charge WHERE outcome <> 'invalid' GROUP BY campaign_id, booked_date),
      back AS (
        SELECT campaign_id, booked_date, sum(cash_krw + promo_krw) AS krw,
          sum(cash_krw + promo_krw) FILTER (WHERE charge_booked_date = booked_date) AS same_day_krw
        FROM click_reversal GROUP BY campaign_id, booked_date),
      days AS (
        SELECT d.campaign_id, d.business_date, d.spent_krw - coalesce(back.same_day_krw, 0) AS net_today,
          d.spent_krw - d.reversed_krw AS net,
          (d.spent_krw, d.charged_clicks, d.over_delivery_krw, d.over_delivery_clicks, d.reversed_krw) IS DISTINCT FROM
            (coalesce(c.krw, 0), coalesce(c.n, 0), coalesce(c.over_krw, 0), coalesce(c.over_n, 0), coalesce(back.krw, 0)) AS wrong
        FROM campaign_daily_spend d
        FULL JOIN clicks c ON c.campaign_id = d.campaign_id AND c.booked_date = d.business_date
        LEFT JOIN back ON back.campaign_id = d.campaign_id AND back.booked_date = d.business_date),
      budgets AS (
        SELECT b.total_spent_krw, b.spent_today_krw,
          coalesce((SELECT sum(net) FROM days WHERE days.campaign_id = b.campaign_id), 0) AS net,
          coalesce((SELECT net_today FROM days WHERE days.campaign_id = b.campaign_id
            AND days.business_date = b.spent_date), 0) AS net_today
        FROM campaign_budget b)
      SELECT (SELECT count(*) FROM days) AS "campaignDays", (SELECT count(*) FROM days WHERE wrong) AS "wrongDays",
        count(*) AS campaigns, count(*) FILTER (WHERE total_spent_krw <> net) AS "wrongTotals",
        count(*) FILTER (WHERE spent_today_krw <> net_today) AS "wrongToday"
      FROM budgets`,
  },
  {
    id: 'I7',
    title: 'each entry is in exactly one business day, and none came after its day was closed',
    sql: `
      SELECT count(*) AS entries,
        count(*) FILTER (WHERE t.id IS NULL) AS "wrongHeaders",
        count(*) FILTER (WHERE e.booked_date <> (t.booked_at AT TIME ZONE 'Asia/Seoul')::date) AS "wrongDays",
        count(*) FILTER (WHERE d.closed_at < t.booked_at) AS "wrongAfterClose"
      FROM ledger_entry e
      LEFT JOIN ledger_transaction t ON t.id = e.transaction_id AND t.booked_date = e.booked_date
      LEFT JOIN business_day d ON d.business_date = e.booked_date`,
  },
  {
    id: 'I6b',
    title:
      'cash charges less reversals, by the month of the charge, are the tax documents of an invoiced month',
    sql: `
      WITH docs AS (
        SELECT advertiser_id, month, sum(total_amount_krw) AS krw,
          (array_agg(basis_charged_krw ORDER BY seq DESC))[1] AS charged, (array_agg(basis_reversed_krw ORDER BY seq DESC))[1] AS reversed
        FROM tax_invoice WHERE state <> 'CANCELLED' GROUP BY advertiser_id, month),
      spend AS (
        SELECT c.advertiser_id, date_trunc('month', c.booked_date)::date AS month, sum(c.cash_krw) AS charged,
          coalesce(sum(r.cash_krw), 0) AS reversed
        FROM click_charge c LEFT JOIN click_reversal r ON r.click_id = c.click_id AND r.issued_month = c.issued_month
        WHERE c.outcome = 'charged' GROUP BY 1, 2)
      SELECT count(d.advertiser_id) AS documents, coalesce(sum(d.krw), 0)::bigint AS "invoicedKrw",
        coalesce(sum(s.reversed - d.reversed) FILTER (WHERE d.advertiser_id IS NOT NULL), 0)::bigint AS "uncorrectedKrw",
        count(*) FILTER (WHERE d.advertiser_id IS NOT NULL AND (d.krw <> d.charged - d.reversed
          OR s.charged IS DISTINCT FROM d.charged OR s.reversed < d.reversed)) AS "wrongDocuments",
        count(*) FILTER (WHERE d.advertiser_id IS NULL AND s.charged > s.reversed
          AND EXISTS (SELECT FROM settlement_month m WHERE m.month = s.month AND m.invoiced_at IS NOT NULL)) AS "wrongMissing"
      FROM docs d FULL JOIN spend s USING (advertiser_id, month)`,
  },
  {
    id: 'I8',
    title: 'settled days are the clicks of their day, and every published hash is the hash of its lines',
    sql: `
      WITH runs AS (
        SELECT business_date, run_no, lines_hash, charged_krw, reversed_krw FROM settlement_run WHERE status = 'completed'),
      clicks AS (
        SELECT booked_date, sum(charged_krw) AS krw FROM click_charge WHERE outcome = 'charged' GROUP BY booked_date),
      back AS (SELECT booked_date, sum(cash_krw + promo_krw) AS krw FROM click_reversal GROUP BY booked_date)
      SELECT count(*) AS runs, coalesce(sum(r.charged_krw), 0)::bigint AS "settledKrw",
        count(*) FILTER (WHERE r.lines_hash <> settlement_lines_hash(r.business_date, r.run_no)) AS "wrongHashes",
        count(*) FILTER (WHERE r.lines_hash <> (SELECT f.lines_hash FROM runs f WHERE f.business_date = r.business_date
          ORDER BY f.run_no LIMIT 1)) AS "wrongReruns",
        count(*) FILTER (WHERE r.charged_krw <> coalesce(c.krw, 0) OR r.reversed_krw <> coalesce(b.krw, 0)) AS "wrongDays"
      FROM runs r LEFT JOIN clicks c ON c.booked_date = r.business_date LEFT JOIN back b ON b.booked_date = r.business_date`,
  },
  {
    id: 'I11',
    title: 'money rows cannot change: triggers stand on every partition, and the application has no right to',
    sql: `
      WITH money AS (
        SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND (c.relname IN ('ledger_transaction', 'ledger_entry', 'ledger_idempotency', 'click_charge', 'click_reversal', 'business_day')
            OR c.oid IN (SELECT inhrelid FROM pg_inherits
              WHERE inhparent IN ('ledger_transaction'::regclass, 'ledger_entry'::regclass, 'click_charge'::regclass)))),
      triggers AS (
        SELECT tgrelid, count(*) FILTER (WHERE tgname = 'append_only' AND (tgtype & 24) = 24) AS rows,
          count(*) FILTER (WHERE tgname = 'never_truncate' AND (tgtype & 32) = 32) AS truncate
        FROM pg_trigger WHERE tgenabled IN ('O', 'A') AND tgfoid = 'refuse_change'::regproc GROUP BY tgrelid)
      SELECT count(*) AS tables,
        count(*) FILTER (WHERE coalesce(t.rows, 0) <> 1 OR coalesce(t.truncate, 0) <> 1) AS "wrongTriggers",
        count(*) FILTER (WHERE has_table_privilege('ads_app', m.oid, 'UPDATE, DELETE, TRUNCATE')) AS "wrongRights"
      FROM money m LEFT JOIN triggers t ON t.tgrelid = m.oid`,
  },
  {
    id: 'I12',
    title: 'each charging transaction is the sum of its clicks, each reversal the mirror of its charge',
    sql: `
      WITH clicks AS (
        SELECT ledger_transaction_id AS id, sum(cash_krw) AS cash, sum(promo_krw) AS promo, min(advertiser_id) AS a,
          max(advertiser_id) AS a2, min(campaign_id) AS c, max(campaign_id) AS c2, min(booked_date) AS d, max(booked_date) AS d2
        FROM click_charge WHERE outcome = 'charged' GROUP BY ledger_transaction_id),
      booked AS (
        SELECT t.id, t.cause, t.advertiser_id, t.campaign_id, t.booked_date,
          -- Cash that came back pays first what is owed.
          -coalesce(sum(e.amount_krw) FILTER (WHERE e.account IN ('wallet_cash', 'receivable')), 0) AS cash,
          -coalesce(sum(e.amount_krw) FILTER (WHERE e.account = 'wallet_promo'), 0) AS promo
        FROM ledger_transaction t LEFT JOIN ledger_entry e ON e.transaction_id = t.id AND e.booked_date = t.booked_date
        WHERE t.cause IN ('click_charge', 'click_reversal') GROUP BY t.id, t.booked_date),
      charges AS (
        SELECT (b.cash, b.promo, b.advertiser_id, b.advertiser_id, b.campaign_id, b.campaign_id, b.booked_date, b.booked_date)
          IS DISTINCT FROM (c.cash, c.promo, c.a, c.a2, c.c, c.c2, c.d, c.d2) AS wrong
        FROM (SELECT * FROM booked WHERE cause = 'click_charge') b FULL JOIN clicks c USING (id)),
      reversals AS (
        SELECT (-b.cash, -b.promo) IS DISTINCT FROM (r.cash_krw, r.promo_krw)
          OR (r.cash_krw, r.promo_krw) IS DISTINCT FROM (c.cash_krw, c.promo_krw) AS wrong
        FROM (SELECT * FROM booked WHERE cause = 'click_reversal') b
        FULL JOIN click_reversal r ON r.ledger_transaction_id = b.id
        LEFT JOIN click_charge c ON c.click_id = r.click_id AND c.issued_month = r.issued_month)
      SELECT (SELECT count(*) FROM charges) AS transactions, (SELECT count(*) FROM charges WHERE wrong) AS "wrongCharges",
        (SELECT count(*) FROM reversals) AS reversals, (SELECT count(*) FROM reversals WHERE wrong) AS "wrongReversals"`,
  },
  {
    id: 'I13',
    title: 'double entry: every transaction has entries and sums to zero',
    sql: `
      WITH sums AS (
        SELECT t.id, sum(e.amount_krw) AS krw FROM ledger_transaction t
        FULL JOIN ledger_entry e ON e.transaction_id = t.id AND e.booked_date = t.booked_date GROUP BY t.id)
      SELECT count(*) AS transactions, count(*) FILTER (WHERE id IS NULL OR krw IS DISTINCT FROM 0) AS "wrongSums" FROM sums`,
  },
];
