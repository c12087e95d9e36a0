/** Banks that give out virtual accounts: the payment provider's two digits, by every name that it understands. */
const BANKS: readonly (readonly [code: string, ...names: string[]])[] = [
  ['03', '003', '기업'],
  ['06', '04', '004', '국민'],
  ['07', '007', '수협'],
  ['11', '011', '농협'],
  ['20', '020', '우리'],
  ['23', '023', 'SC제일'],
  ['31', '031', '대구', 'iM뱅크'],
  ['32', '032', '부산'],
  ['34', '034', '광주'],
  ['37', '037', '전북'],
  ['39', '039', '경남'],
  ['45', '045', '새마을'],
  ['71', '071', '우체국'],
  ['81', '081', '하나'],
  ['88', '088', '신한'],
];
/** Banks that take transfers but give out no virtual accounts. */
const TRANSFER_ONLY: readonly (readonly [code: string, ...names: string[]])[] = [
  ['89', '089', '케이', '케이뱅크'],
  ['90', '090', '카카오', '카카오뱅크'],
  ['92', '092', '토스', '토스뱅크'],
];

const find = (banks: typeof BANKS, text: string) =>
  banks.find((names) => names.includes(text) || names.includes(text.replace(/은행$/, '')))?.[0] ?? null;

export const virtualAccountBank = (text: string) => find(BANKS, text);
export const transferBank = (text: string) => find([...BANKS, ...TRANSFER_ONLY], text);
