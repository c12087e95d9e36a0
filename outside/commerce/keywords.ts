/** Words that say nothing about a product when a shopper searches. */
const EMPTY_WORDS = new Set([
  'of',
  'the',
  'with',
  'and',
  'in',
  'a',
  'set',
  'for',
  'pack',
  'to',
  'no',
  'small',
  'large',
  'assorted',
  'new',
]);

/** Search words that sellers of a category would pay for, in Korean. */
const CATEGORY_KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  party: ['파티용품', '크리스마스', '생일 파티', '가랜드'],
  bags: ['에코백', '파우치', '쇼핑백', '장바구니'],
  lighting: ['캔들', '무드등', '조명', '캔들 홀더'],
  kitchen: ['머그컵', '주방용품', '베이킹', '도시락'],
  stationery: ['카드', '노트', '포장지', '문구'],
  toys: ['장난감', '보드게임', '인형', '선물'],
  garden: ['화분', '가드닝', '피크닉', '정원 소품'],
  'home-decor': ['인테리어 소품', '액자', '홈데코', '집들이 선물'],
};

/** The keywords that a campaign of these products would bid on: the category's own and the commonest name words. */
export function keywordsFor(categoryId: string, productNames: readonly string[], most: number): string[] {
  const counts = new Map<string, number>();
  for (const name of productNames) {
    for (const word of new Set(name.toLowerCase().split(/[^\p{L}]+/u))) {
      if (word.length < 3 || EMPTY_WORDS.has(word)) continue;
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  const common = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([word]) => word);
  return [...(CATEGORY_KEYWORDS[categoryId] ?? []), ...common].slice(0, most);
}
