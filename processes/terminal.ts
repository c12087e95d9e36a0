/** What a one-shot command says where a person typed it. Each gives the exit code. */

/** 1: rightly asked, and not done. */
export function refused({
  message,
  nextStep,
}: {
  readonly message: string;
  readonly nextStep?: string;
}): number {
  process.stderr.write(`${message}${nextStep === undefined ? '' : ` ${nextStep}`}\n`);
  return 1;
}

/** 2: wrongly asked. */
export function misused(usage: string): number {
  process.stderr.write(usage);
  return 2;
}
