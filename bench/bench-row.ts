/** One line of the benchmark's table: a figure, what it was measured against in the same run, and what is asked. */
export interface BenchRow {
  readonly what: string;
  /** The other side of the same run; empty when the figure stands alone. */
  readonly against: string;
  /** The figure in `unit`: for `x` the median of the paired ratios of all rounds. */
  readonly ratio: number;
  /** Null: told, not judged. */
  readonly target: BenchTarget | null;
  readonly unit: 'x' | 'ms' | 'us' | '/s';
  /** Both sides in plain words: per second, percentiles, processor time, what else ran. */
  readonly details: string;
  /** Where the own side spends its time: of serving only when the target was missed. */
  readonly profile?: readonly string[];
}

export type BenchTarget = { readonly atLeast: number } | { readonly atMost: number };

export function isReached({ ratio, target }: Pick<BenchRow, 'ratio' | 'target'>): boolean {
  if (target === null) return true;
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost;
}

export const targetText = (target: BenchTarget | null, unit: BenchRow['unit']): string => {
  if (target === null) return '';
  return 'atLeast' in target ? `>= ${target.atLeast} ${unit}` : `<= ${target.atMost} ${unit}`;
};
