/** One histogram of a process's `/metrics`, so far. */
interface Told {
  readonly sumMs: number;
  readonly count: number;
}

async function read(opsPort: number, name: string): Promise<Told> {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  const figureOf = (suffix: string) =>
    Number(new RegExp(`^${name}_${suffix} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  return { sumMs: figureOf('sum'), count: figureOf('count') };
}

/** Begins to listen to a histogram; the answer tells its mean (ms) and how many there were since. */
export async function meanSince(
  opsPort: number,
  name: string,
): Promise<() => Promise<{ readonly meanMs: number; readonly count: number }>> {
  const before = await read(opsPort, name);
  return async () => {
    const after = await read(opsPort, name);
    const count = after.count - before.count;
    return { meanMs: count === 0 ? Number.NaN : (after.sumMs - before.sumMs) / count, count };
  };
}
