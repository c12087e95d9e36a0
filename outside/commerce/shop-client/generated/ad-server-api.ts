export interface paths {
    "/v1/ads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Ads for one place on a page.
         * @description Answered from memory. An empty list is a normal answer and names its noFillReason; a store that is away never makes this call fail. More of the same list: send nextPageToken as pageToken; slots count on, and no ad of the pages before is shown again. Do not cache.
         *
         *     API key with scope `ads:read`.
         */
        get: operations["getAds"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clicks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A shopper clicked an ad.
         * @description Charged at most once, whatever is sent again. Redirect the shopper whatever the answer. 429, 503 or a time-out: send the same body again, up to 24 hours after the ads were served.
         *
         *     API key with scope `clicks:write`.
         */
        post: operations["postClicks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clicks/{clickId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How a click ended.
         * @description 404 while the click is not decided yet, and for a click that never was.
         *
         *     API key with scope `clicks:write`.
         */
        get: operations["getClicksClickId"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/impressions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ads of an answer came into view.
         * @description All ads of the report count, or none. The same ad of the same answer counts once, whatever is sent again. Accepted up to 24 hours after the ads were served. Never let a shopper wait for it.
         *
         *     API key with scope `events:write`.
         */
        post: operations["postImpressions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A shopper ordered.
         * @description One event per line. A line that is sent again is the line that came first, even with other content. An order of more than 200 lines is sent in several requests with the same orderId. Products that we do not know are taken as well. 429, 503 or a time-out: send the same body again.
         *
         *     API key with scope `orders:write`.
         */
        post: operations["postOrders"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders/{orderId}/cancellations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Lines of an order are taken back.
         * @description Whole lines only, each named, since the ad system keeps no orders. May arrive before its order. A cancelled line stays cancelled.
         *
         *     API key with scope `orders:write`.
         */
        post: operations["postOrdersOrderIdCancellations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Every error of every endpoint (RFC 9457): a stable code, a sentence, and what to do next. */
        Problem: {
            type: string;
            title: string;
            status: number;
            code: string;
            detail: string;
            nextStep: string;
            errors?: {
                field: string;
                message: string;
            }[];
            correlationId?: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getAds: {
        parameters: {
            query: {
                /** @description Where on the shop the ads will stand. */
                placement: "HOME" | "CATEGORY" | "PRODUCT_DETAIL" | "SEARCH";
                /** @description Category id; required for CATEGORY and PRODUCT_DETAIL. */
                category?: string;
                /** @description What the shopper searched for; required for SEARCH. */
                query?: string;
                /** @description The product being looked at; never advertised to itself. */
                productId?: string;
                maxAds?: number;
                /** @description The shop’s stable id of the browser or app. Stored hashed only. */
                deviceId: string;
                /** @description For campaigns that name devices. */
                deviceType?: "mobile" | "desktop" | "app";
                /** @description ISO 3166-2; for campaigns that name regions. */
                region?: "KR-11" | "KR-26" | "KR-27" | "KR-28" | "KR-29" | "KR-30" | "KR-31" | "KR-41" | "KR-42" | "KR-43" | "KR-44" | "KR-45" | "KR-46" | "KR-47" | "KR-48" | "KR-49" | "KR-50";
                /** @description Segments of the shopper, comma-separated; for campaigns that name segments. */
                segments?: string;
                /** @description nextPageToken of the answer before, with the same placement, category, query and device: more ads of this list without those already shown. Good for 30 minutes. */
                pageToken?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The ads, best first, and their click token. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        requestId: string;
                        /** @enum {string} */
                        placement: "HOME" | "CATEGORY" | "PRODUCT_DETAIL" | "SEARCH";
                        clickToken: string;
                        ads: {
                            adId: string;
                            slot: number;
                            productId: string;
                            campaignId: string;
                            advertiserId: string;
                            /** @enum {string} */
                            label: "광고";
                        }[];
                        /** @description With every answer that holds ads: send it as pageToken for more of the same list. */
                        nextPageToken?: string;
                        /**
                         * @description Why there is no ad. no_candidates: nobody advertises here. all_filtered: somebody does, but nobody to this shopper now. end_of_list: the pages before held everything. ranking_unavailable, click_path_down: a part of ours is away; ask again later.
                         * @enum {string}
                         */
                        noFillReason?: "no_candidates" | "all_filtered" | "end_of_list" | "ranking_unavailable" | "click_path_down";
                    };
                };
            };
            /** @description The request is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Nobody, or nobody known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Known, but not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Any other error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postClicks: {
        parameters: {
            query?: never;
            header?: {
                /** @description Address of the shopper. Stored hashed only. */
                "x-shopper-ip"?: string;
                /** @description User agent of the shopper; declared robots are not charged. */
                "x-shopper-user-agent"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    clickToken: string;
                    adId: string;
                    deviceId: string;
                    /**
                     * Format: date-time
                     * @description When the shopper clicked, ISO 8601 with offset.
                     */
                    clickedAt: string;
                };
            };
        };
        responses: {
            /** @description Decided; final. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        clickId: string;
                        /** @enum {string} */
                        outcome: "charged" | "not_charged" | "accepted";
                        /** @enum {string} */
                        reason?: "expired_token" | "listed_bot" | "double_click" | "device_burst" | "ip_burst" | "own_account_click" | "daily_budget_exhausted" | "total_budget_exhausted" | "balance_exhausted" | "unknown_campaign";
                        chargedCpcKrw?: number;
                    };
                };
            };
            /** @description Recorded, will be decided exactly once; do not send again. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        clickId: string;
                        /** @enum {string} */
                        outcome: "charged" | "not_charged" | "accepted";
                        /** @enum {string} */
                        reason?: "expired_token" | "listed_bot" | "double_click" | "device_burst" | "ip_burst" | "own_account_click" | "daily_budget_exhausted" | "total_budget_exhausted" | "balance_exhausted" | "unknown_campaign";
                        chargedCpcKrw?: number;
                    };
                };
            };
            /** @description The request is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Nobody, or nobody known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Known, but not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Any other error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getClicksClickId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                clickId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The decision. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        clickId: string;
                        /** @enum {string} */
                        outcome: "charged" | "not_charged" | "accepted";
                        /** @enum {string} */
                        reason?: "expired_token" | "listed_bot" | "double_click" | "device_burst" | "ip_burst" | "own_account_click" | "daily_budget_exhausted" | "total_budget_exhausted" | "balance_exhausted" | "unknown_campaign";
                        chargedCpcKrw?: number;
                        /** @enum {string|null} */
                        decision: "charged" | "no_balance" | "over_budget" | "invalid" | null;
                    };
                };
            };
            /** @description The request is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Nobody, or nobody known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Known, but not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such object, or not yours. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Any other error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postImpressions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description The token of the answer that held the ads. */
                    clickToken: string;
                    /** @description The device that the ads were asked for. */
                    deviceId: string;
                    /** @description The ads of that answer which came into view, each once. */
                    adIds: string[];
                };
            };
        };
        responses: {
            /** @description Recorded. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        requestId: string;
                        recorded: number;
                    };
                };
            };
            /** @description The request is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Nobody, or nobody known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Known, but not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Any other error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postOrders: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description The shop’s order number: letters, digits, dots, underscores, hyphens. */
                    orderId: string;
                    /** @description The same stable id as in the ad queries; stored hashed only. */
                    deviceId: string;
                    /**
                     * Format: date-time
                     * @description When the shopper ordered, ISO 8601 with offset. Told only: our own clock decides what matches.
                     */
                    orderedAt: string;
                    lines: {
                        /** @description The line’s number in the order; each once. */
                        lineNo: number;
                        productId: string;
                        sellerId: string;
                        quantity: number;
                        /** @description Whole won, VAT included. */
                        unitPriceKrw: number;
                    }[];
                };
            };
        };
        responses: {
            /** @description Recorded. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        orderId: string;
                        orderLineIds: string[];
                    };
                };
            };
            /** @description The request is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Nobody, or nobody known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Known, but not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Any other error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postOrdersOrderIdCancellations: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The shop’s order number: letters, digits, dots, underscores, hyphens. */
                orderId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description The device of the order. */
                    deviceId: string;
                    /** @description Every line that is taken back; all of them when the whole order is. */
                    lines: {
                        lineNo: number;
                    }[];
                };
            };
        };
        responses: {
            /** @description Recorded. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        orderId: string;
                        orderLineIds: string[];
                    };
                };
            };
            /** @description The request is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Nobody, or nobody known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Known, but not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such object, or not yours. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Any other error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
