/** An IPv6 network of one household or handset: the 64 bits that its owner cannot choose. */
const NETWORK_GROUPS = 4;

/**
 * What the clicks of an address are counted by: IPv4 as it is, IPv6 by its /64 network, in which one machine has
 * as many addresses as it likes. An IPv4 address written as IPv6 is the IPv4 one. `address` is a valid address.
 */
export function countedAddress(address: string): string {
  const [plain = ''] = address.split('%');
  if (!plain.includes(':')) return plain;
  const mapped = /^::(?:ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  const groups = expanded(plain);
  const hexMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (hexMapped) return ipv4Of(groups[6] ?? 0, groups[7] ?? 0);
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}

/** The eight groups. An IPv4 tail counts as two; none of its bits are in the network. */
function expanded(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const before = groupsOf(head);
  if (tail === undefined) return before;
  const after = groupsOf(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

const ipv4Of = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');
