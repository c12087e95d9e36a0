/** The forty sellers of the demonstration shop: five for each category, the first the biggest. */
export interface ShopSeller {
  readonly id: string;
  readonly name: string;
  readonly categoryId: string;
  /** Share of the category's products, in percent. */
  readonly sharePercent: number;
}

const SHARES_PERCENT = [38, 24, 17, 13, 8] as const;

const NAMES: Readonly<Record<string, readonly string[]>> = {
  party: ['한빛파티', '오늘의기념일', '별하이벤트', '모아파티', '솜사탕상점'],
  bags: ['가온가방', '다온파우치', '담소백', '바른가방공방', '여울상점'],
  lighting: ['온빛조명', '달무리캔들', '불빛공방', '은은한밤', '해오름조명'],
  kitchen: ['정성부엌', '밥상머리', '온새미로키친', '그릇가게봄', '따뜻한식탁'],
  stationery: ['글벗문구', '종이나라숲', '연필한자루', '하루카드', '서정문구'],
  toys: ['꼬마놀이터', '아이랑완구', '도담도담', '신나는상자', '동네장난감'],
  garden: ['푸른뜰', '초록마당', '새벽정원', '들꽃상회', '마당있는집'],
  'home-decor': ['포근한집', '결홈데코', '소소한공간', '집꾸미기상점', '아늑살롱'],
};

export const SHOP_SELLERS: readonly ShopSeller[] = Object.entries(NAMES).flatMap(([categoryId, names]) =>
  names.map((name, index) => ({
    id: `adv_${categoryId.replace('-', '')}${index + 1}`,
    name,
    categoryId,
    sharePercent: SHARES_PERCENT[index] ?? 0,
  })),
);

/** Which of a category's sellers offers a product; `point` is 0..99 and stable for the product. */
export function sellerFor(categoryId: string, point: number): ShopSeller {
  let edge = 0;
  const sellers = SHOP_SELLERS.filter((seller) => seller.categoryId === categoryId);
  for (const seller of sellers) {
    edge += seller.sharePercent;
    if (point < edge) return seller;
  }
  throw new Error(`no seller for ${categoryId} at ${point}`);
}
