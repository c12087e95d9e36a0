import { keyedHash } from '../infra/ids.js';
import type { PrismaClient } from '../infra/prisma.js';

/** From now on clicks of this device on ads of its own company are not charged. The id is stored hashed only. */
export async function rememberOwnDevice(
  prisma: Pick<PrismaClient, 'advertiserDevice'>,
  input: { readonly advertiserId: string; readonly deviceId: string; readonly hashKey: string },
): Promise<void> {
  const deviceHash = keyedHash(input.hashKey, 'device', input.deviceId);
  await prisma.advertiserDevice.createMany({
    data: { advertiserId: input.advertiserId, deviceHash },
    skipDuplicates: true,
  });
}
