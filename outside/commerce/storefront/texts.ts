/** What the shop says, in both languages. Names of goods are the sellers' own and are not translated. */
export const LANGUAGES = ['ko', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

const KO = {
  shop: '모퉁이상점',
  tagline: '집과 선물을 위한 작은 물건들',
  skip: '본문으로 건너뛰기',
  search: '검색',
  searchLabel: '상품 검색',
  searchHint: '찾는 물건을 적어 보세요',
  categories: '카테고리',
  basket: '장바구니',
  orders: '주문 내역',
  language: 'English',
  adsTitle: '추천 광고 상품',
  adLabel: '광고',
  adNote: '판매자가 비용을 낸 광고입니다.',
  bestSellers: '많이 찾는 상품',
  browse: '카테고리 둘러보기',
  goods: (count: number) => `상품 ${count.toLocaleString('ko-KR')}개`,
  sortBy: '정렬',
  sorts: { popular: '인기순', cheap: '낮은 가격순', dear: '높은 가격순' },
  pages: '쪽 이동',
  page: (page: number, of: number) => `${page} / ${of}쪽`,
  previous: '이전',
  next: '다음',
  price: '가격',
  soldBy: '판매자',
  quantity: '수량',
  addToBasket: '장바구니에 담기',
  buyNow: '바로 주문하기',
  similar: '같은 카테고리의 다른 상품',
  found: (query: string) => `‘${query}’ 검색 결과`,
  nothingFound: '찾는 상품이 없습니다. 다른 낱말로 찾아보거나 아래 카테고리를 둘러보세요.',
  emptySearch: '검색어를 입력해 주세요.',
  tryWords: '이런 낱말은 어떠세요?',
  emptyBasket: '장바구니가 비어 있습니다.',
  emptyOrders: '아직 주문이 없습니다.',
  goShopping: '쇼핑하러 가기',
  product: '상품',
  amount: '금액',
  total: '합계',
  change: '변경',
  remove: '빼기',
  order: '주문하기',
  demoPayment: '시연용 상점입니다. 결제와 배송은 이루어지지 않습니다.',
  thanks: '주문이 완료되었습니다',
  orderNo: '주문 번호',
  orderedAt: '주문 일시',
  status: '상태',
  placed: '주문 완료',
  cancelled: '취소됨',
  partlyCancelled: '일부 취소',
  cancelOrder: '주문 전체 취소',
  cancelLine: '이 상품 취소',
  orderDetail: '주문 상세',
  allOrders: '주문 내역 보기',
  demoTitle: '시연 안내',
  demoNumbers:
    '이 주문이 광고 성과에 어떻게 잡혔는지는 판매자와 운영자의 화면에서 볼 수 있습니다 (로그인 필요).',
  demoSeller: (seller: string) => `${seller}의 실적 숫자`,
  demoStatus: '광고 시스템 상태',
  notices: {
    added: '장바구니에 담았습니다.',
    changed: '장바구니를 바꾸었습니다.',
    cancelled: '취소했습니다.',
    already_cancelled: '이미 취소된 상품입니다.',
    basket_empty: '장바구니가 비어 있어 주문할 수 없습니다.',
    basket_full: '장바구니에는 50가지 상품까지 담을 수 있습니다.',
  },
  problems: {
    not_found: {
      title: '페이지를 찾을 수 없습니다',
      detail: '주소가 바뀌었거나 상품이 더 이상 없습니다.',
      next: '검색하거나 첫 화면에서 다시 시작해 주세요.',
    },
    invalid_request: {
      title: '요청을 처리할 수 없습니다',
      detail: '보낸 값이 올바르지 않습니다.',
      next: '이전 화면으로 돌아가 값을 고친 뒤 다시 시도해 주세요.',
    },
    foreign_form: {
      title: '요청을 처리할 수 없습니다',
      detail: '다른 사이트에서 보낸 양식은 받지 않습니다.',
      next: '이 상점의 화면에서 다시 시도해 주세요.',
    },
    internal: {
      title: '잠시 문제가 생겼습니다',
      detail: '요청을 마치지 못했습니다.',
      next: '잠시 뒤 다시 시도해 주세요.',
    },
  },
  footer: '시연용 상점 · 실제 공개 주문 데이터(Online Retail, CC BY 4.0)의 상품으로 꾸몄습니다.',
  home: '첫 화면',
  pictureOf: (name: string) => `${name} 그림`,
};

export type Texts = typeof KO;

const EN: Texts = {
  shop: 'Corner Shop',
  tagline: 'Small things for homes and gifts',
  skip: 'Skip to content',
  search: 'Search',
  searchLabel: 'Search products',
  searchHint: 'What are you looking for?',
  categories: 'Categories',
  basket: 'Basket',
  orders: 'Orders',
  language: '한국어',
  adsTitle: 'Sponsored products',
  adLabel: 'AD 광고',
  adNote: 'Sellers paid for these places.',
  bestSellers: 'Best sellers',
  browse: 'Browse categories',
  goods: (count) => `${count.toLocaleString('en')} product${count === 1 ? '' : 's'}`,
  sortBy: 'Sort by',
  sorts: { popular: 'Popular', cheap: 'Price, low to high', dear: 'Price, high to low' },
  pages: 'Pages',
  page: (page, of) => `Page ${page} of ${of}`,
  previous: 'Previous',
  next: 'Next',
  price: 'Price',
  soldBy: 'Sold by',
  quantity: 'Quantity',
  addToBasket: 'Add to basket',
  buyNow: 'Order now',
  similar: 'More from this category',
  found: (query) => `Results for “${query}”`,
  nothingFound: 'Nothing found. Try another word, or browse the categories below.',
  emptySearch: 'Type a word to search for.',
  tryWords: 'How about these words?',
  emptyBasket: 'Your basket is empty.',
  emptyOrders: 'You have no orders yet.',
  goShopping: 'Go shopping',
  product: 'Product',
  amount: 'Amount',
  total: 'Total',
  change: 'Change',
  remove: 'Remove',
  order: 'Place order',
  demoPayment: 'This is a demonstration shop: nothing is paid or delivered.',
  thanks: 'Thank you for your order',
  orderNo: 'Order number',
  orderedAt: 'Ordered at',
  status: 'Status',
  placed: 'Placed',
  cancelled: 'Cancelled',
  partlyCancelled: 'Partly cancelled',
  cancelOrder: 'Cancel the whole order',
  cancelLine: 'Cancel this product',
  orderDetail: 'Order details',
  allOrders: 'See all orders',
  demoTitle: 'About this demonstration',
  demoNumbers: 'Sellers and operators see what this order did for their ads (sign-in needed).',
  demoSeller: (seller) => `Numbers of ${seller}`,
  demoStatus: 'State of the ad system',
  notices: {
    added: 'Added to your basket.',
    changed: 'Basket changed.',
    cancelled: 'Cancelled.',
    already_cancelled: 'This was cancelled before.',
    basket_empty: 'Your basket is empty, so there is nothing to order.',
    basket_full: 'A basket holds at most 50 different products.',
  },
  problems: {
    not_found: {
      title: 'Page not found',
      detail: 'The address has changed, or the product is gone.',
      next: 'Search for it, or start again from the home page.',
    },
    invalid_request: {
      title: 'This cannot be done',
      detail: 'What was sent is not valid.',
      next: 'Go back, correct it and try again.',
    },
    foreign_form: {
      title: 'This cannot be done',
      detail: 'Forms of other sites are not accepted.',
      next: 'Try again on a page of this shop.',
    },
    internal: {
      title: 'Something went wrong',
      detail: 'Your request was not completed.',
      next: 'Please try again in a moment.',
    },
  },
  footer: 'Demonstration shop · goods from real public order data (Online Retail, CC BY 4.0).',
  home: 'Home',
  pictureOf: (name) => `Picture of ${name}`,
};

const CATEGORY_NAMES_EN: ReadonlyMap<string, string> = new Map([
  ['party', 'Party & seasons'],
  ['bags', 'Bags & pouches'],
  ['lighting', 'Lights & candles'],
  ['kitchen', 'Kitchen & dining'],
  ['stationery', 'Stationery & cards'],
  ['toys', 'Toys & games'],
  ['garden', 'Garden & outdoor'],
  ['home-decor', 'Home decor'],
]);

export type NoticeCode = keyof Texts['notices'];
export type ProblemCode = keyof Texts['problems'];

export const textsOf = (language: Language): Texts => (language === 'ko' ? KO : EN);

export const categoryName = (language: Language, category: { id: string; name: string }): string =>
  language === 'ko' ? category.name : (CATEGORY_NAMES_EN.get(category.id) ?? category.name);

export function wonText(language: Language, krw: number): string {
  return language === 'ko' ? `${krw.toLocaleString('ko-KR')}원` : `₩${krw.toLocaleString('en')}`;
}

export function dateText(language: Language, epochMs: number): string {
  return new Intl.DateTimeFormat(language === 'ko' ? 'ko-KR' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'short',
    hourCycle: 'h23',
    timeZone: 'Asia/Seoul',
  }).format(epochMs);
}
