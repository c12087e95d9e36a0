import type { Express } from 'express';
import { createHttpApp } from '../kit/app.js';
import type { RouteDefinition, RouteDoc } from '../kit/route.js';
import { advertiserApplicationReviewRoutes } from './advertiser-application-reviews.js';
import { advertiserApplicationRoutes } from './advertiser-applications.js';
import { advertiserMoneyRoutes } from './advertiser-money.js';
import { advertiserRoutes } from './advertisers.js';
import { apiKeyRoutes } from './api-keys.js';
import { auditLogRoutes } from './audit-log.js';
import { createConsoleAuthenticator } from './authenticate.js';
import { autoTopUpRoutes } from './auto-top-up.js';
import { bidProposalRoutes } from './bid-proposals.js';
import { budgetReallocationRoutes } from './budget-reallocations.js';
import { businessClockRoutes } from './business-clock.js';
import { campaignPacingRoutes } from './campaign-pacing.js';
import { campaignReviewRoutes } from './campaign-reviews.js';
import { campaignRoutes } from './campaigns.js';
import { clickReceiptRoutes } from './click-receipts.js';
import { deadLetterRoutes } from './dead-letters.js';
import type { ConsoleDeps } from './deps.js';
import { mountDocs, openApiRoute } from './docs.js';
import { invalidClickFindingRoutes } from './invalid-click-findings.js';
import { invoiceRoutes } from './invoices.js';
import { liveNumbersRoutes } from './live-numbers.js';
import { notificationRoutes } from './notifications.js';
import { paymentReconciliationRoutes } from './payment-reconciliation.js';
import { paymentWebhookRoutes } from './payment-webhooks.js';
import { productFeedRoutes } from './product-feed.js';
import { productRoutes } from './products.js';
import { rankingParametersRoutes } from './ranking-parameters.js';
import { createConsoleRateLimit } from './rate-limit.js';
import { reconciliationRoutes } from './reconciliation.js';
import { reportRoutes } from './reports.js';
import { servingDiagnosisRoutes } from './serving-diagnosis.js';
import { sessionRoutes } from './sessions.js';
import { settlementRoutes } from './settlements.js';
import { statusPageRoutes } from './status-pages.js';
import { createPartReaders, systemStatusRoutes } from './system-status.js';
import { taxInvoiceWebhookRoutes } from './tax-invoice-webhooks.js';
import { taxInvoiceRoutes } from './tax-invoices.js';
import { topUpRoutes } from './top-ups.js';

/** Everything that sellers, admins and finance may do, on one page. */
export function consoleRoutes(deps: ConsoleDeps): RouteDefinition[] {
  const statusParts = createPartReaders(deps);
  return [
    ...sessionRoutes(deps),
    ...advertiserRoutes(deps),
    ...advertiserApplicationRoutes(deps),
    ...advertiserApplicationReviewRoutes(deps),
    ...notificationRoutes(deps),
    ...advertiserMoneyRoutes(deps),
    ...clickReceiptRoutes(deps),
    ...topUpRoutes(deps),
    ...autoTopUpRoutes(deps),
    ...paymentWebhookRoutes(deps),
    ...paymentReconciliationRoutes(deps),
    ...productRoutes(deps),
    ...productFeedRoutes(deps),
    ...campaignRoutes(deps),
    ...servingDiagnosisRoutes(deps),
    ...campaignPacingRoutes(deps),
    ...budgetReallocationRoutes(deps),
    ...campaignReviewRoutes({ ...deps, now: deps.businessNow }),
    ...apiKeyRoutes(deps),
    ...auditLogRoutes(deps),
    ...reconciliationRoutes(deps),
    ...liveNumbersRoutes(deps),
    ...reportRoutes(deps),
    ...bidProposalRoutes(deps),
    ...rankingParametersRoutes(deps),
    ...systemStatusRoutes(statusParts),
    ...deadLetterRoutes(deps),
    ...invalidClickFindingRoutes(deps),
    ...statusPageRoutes(deps, statusParts),
    ...businessClockRoutes(deps),
    ...settlementRoutes(deps),
    ...invoiceRoutes(deps),
    ...taxInvoiceRoutes(deps),
    ...taxInvoiceWebhookRoutes(deps),
  ];
}

const SELF = ["'self'"];

export interface ConsoleAppOptions {
  /** Routes of other servers that the one OpenAPI document also describes. */
  readonly otherRouteDocs: readonly RouteDoc[];
}

export function createConsoleApp(deps: ConsoleDeps, options: ConsoleAppOptions): Express {
  const routes = consoleRoutes(deps);
  const inProduction = deps.config.ADS_ENV === 'production';
  return createHttpApp({
    server: 'console-api',
    log: deps.log,
    metrics: deps.metrics,
    routes: [...routes, openApiRoute([...options.otherRouteDocs, ...routes])],
    authenticate: createConsoleAuthenticator(deps),
    limitRate: createConsoleRateLimit(deps.redis),
    trustedProxies: deps.config.TRUSTED_PROXIES,
    helmet: {
      strictTransportSecurity: inProduction,
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: SELF,
          baseUri: ["'none'"],
          objectSrc: ["'none'"],
          frameAncestors: ["'none'"],
          formAction: SELF,
          /** The documentation page draws with inline styles and data images; scripts are files of ours only. */
          styleSrc: [...SELF, "'unsafe-inline'"],
          imgSrc: [...SELF, 'data:'],
        },
      },
    },
    mount: mountDocs,
  });
}
