/**
 * Takes commands one at a time and remembers their answers: a repeated command id gets its first answer, also
 * while the first is still being carried out and after the workflow has continued as new. An act that throws is
 * not remembered, so that its caller may try again. Deterministic: only promises, no clock.
 */
export class CommandDesk<A> {
  readonly #answers: Map<string, A>;
  readonly #open = new Map<string, Promise<A>>();
  readonly #remembered: number;
  #last: Promise<unknown> = Promise.resolve();
  #taken = 0;

  constructor(answers: readonly (readonly [string, A])[], remembered: number) {
    this.#answers = new Map(answers);
    this.#remembered = remembered;
  }

  /** Commands taken since this desk was opened. */
  get taken(): number {
    return this.#taken;
  }

  knows(commandId: string): boolean {
    return this.#answers.has(commandId) || this.#open.has(commandId);
  }

  async take(commandId: string, act: () => Promise<A>): Promise<A> {
    const answered = this.#answers.get(commandId);
    if (answered !== undefined) return answered;
    const open = this.#open.get(commandId) ?? this.#carryOut(commandId, act);
    return open;
  }

  /** Runs `act` when everything before it is done. Also used by the workflow's own steps. */
  alone<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#last.then(act);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Oldest first; as many as are remembered. */
  answers(): (readonly [string, A])[] {
    return [...this.#answers];
  }

  #carryOut(commandId: string, act: () => Promise<A>): Promise<A> {
    this.#taken += 1;
    const result = this.alone(async () => {
      try {
        const answer = await act();
        this.#remember(commandId, answer);
        return answer;
      } finally {
        this.#open.delete(commandId);
      }
    });
    this.#open.set(commandId, result);
    return result;
  }

  #remember(commandId: string, answer: A): void {
    this.#answers.set(commandId, answer);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= this.#remembered) break;
      this.#answers.delete(oldest);
    }
  }
}
