/** Keeps the newest `limit` entries: a sandbox that runs for weeks must not grow. */
export class BoundedMap<V> {
  private readonly entries = new Map<string, V>();

  constructor(private readonly limit: number) {}

  get(key: string): V | undefined {
    return this.entries.get(key);
  }

  set(key: string, value: V): void {
    this.entries.set(key, value);
    if (this.entries.size <= this.limit) return;
    const oldest = this.entries.keys().next();
    if (!oldest.done) this.entries.delete(oldest.value);
  }

  remove(key: string): void {
    this.entries.delete(key);
  }

  /** Oldest first. */
  values(): V[] {
    return [...this.entries.values()];
  }
}

/** The same for a log: newest `limit` lines. */
export class BoundedList<V> {
  private readonly lines: V[] = [];

  constructor(private readonly limit: number) {}

  add(line: V): void {
    this.lines.push(line);
    if (this.lines.length > this.limit) this.lines.shift();
  }

  /** Oldest first. */
  values(): V[] {
    return [...this.lines];
  }
}
