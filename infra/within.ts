/**
 * The value, or `late` when it is not there in time. What was begun goes on: whoever gives up waiting must still count
 * it as under way until it ends. Rejects as the value does, as long as somebody waits.
 */
export async function within<T, L>(value: Promise<T>, limitMs: number, late: L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<L>((resolve) => {
    timer = setTimeout(() => resolve(late), limitMs);
  });
  return Promise.race([value, limit]).finally(() => clearTimeout(timer));
}
