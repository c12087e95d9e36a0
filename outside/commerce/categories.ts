/** The shop's eight shelves, and the words of a product name that put it on one. First match wins. */
export interface ShopCategory {
  readonly id: string;
  readonly name: string;
  readonly words: readonly string[];
}

export const SHOP_CATEGORIES: readonly ShopCategory[] = [
  {
    id: 'party',
    name: '파티·시즌',
    words: ['christmas', 'xmas', 'party', 'bunting', 'garland', 'balloon', 'easter', 'advent', 'birthday', 'wedding', 'confetti', 'paper chain', 'reindeer', 'santa', 'snowman', 'angel', 'bauble', 'tinsel'],
  },
  {
    id: 'bags',
    name: '가방·파우치',
    words: ['bag', 'purse', 'shopper', 'tote', 'backpack', 'rucksack', 'luggage', 'washbag', 'pouch', 'wallet', 'case', 'umbrella'],
  },
  {
    id: 'lighting',
    name: '조명·캔들',
    words: ['light', 'candle', 'lantern', 'lamp', 't-light', 'tealight', 'holder', 'incense', 'night', 'scented', 'lights', 'chandelier'],
  },
  {
    id: 'kitchen',
    name: '주방·식기',
    words: ['cake', 'mug', 'cup', 'plate', 'bowl', 'jar', 'tin', 'bottle', 'kitchen', 'baking', 'tea', 'coffee', 'spoon', 'fork', 'knife', 'cutlery', 'jug', 'glass', 'lunch', 'snack', 'apron', 'oven', 'recipe', 'napkin', 'pantry', 'egg', 'bread', 'teapot', 'saucer', 'coaster', 'tray', 'cookie', 'jam', 'popcorn', 'straw'],
  },
  {
    id: 'stationery',
    name: '문구·카드',
    words: ['card', 'pen', 'pencil', 'notebook', 'book', 'wrap', 'paper', 'sticker', 'tape', 'ribbon', 'ruler', 'chalk', 'tissue', 'tag', 'stamp', 'journal', 'diary', 'calculator', 'letter', 'memo', 'magnet', 'eraser', 'sharpener', 'crayon', 'calendar'],
  },
  {
    id: 'toys',
    name: '완구·놀이',
    words: ['toy', 'game', 'doll', 'puzzle', 'playhouse', 'skipping', 'ludo', 'snap', 'dominoes', 'soldier', 'spaceboy', 'dolly', 'marble', 'kite', 'baby', 'children', 'kids', 'circus', 'robot', 'dinosaur', 'bingo', 'knitting', 'sewing', 'craft', 'money box', 'jigsaw', 'spinning'],
  },
  {
    id: 'garden',
    name: '정원·야외',
    words: ['garden', 'plant', 'flower', 'bird', 'seed', 'watering', 'picnic', 'parasol', 'herb', 'pot', 'outdoor', 'trellis', 'feeder', 'grow', 'rose', 'gnome', 'thermometer', 'windmill', 'beach', 'camping', 'bicycle', 'hot water'],
  },
  { id: 'home-decor', name: '홈데코', words: [] },
];

export function categoryOf(productName: string): string {
  const words = ` ${productName.toLowerCase()} `;
  const match = SHOP_CATEGORIES.find((category) =>
    category.words.some((word) => words.includes(` ${word} `) || words.includes(` ${word}s `)),
  );
  return (match ?? SHOP_CATEGORIES[SHOP_CATEGORIES.length - 1])?.id ?? 'home-decor';
}
