export interface GetResult {
  readonly cached: boolean;
  readonly seconds: number;
  readonly bytes: number;
}
export declare function getOnce(target: string, fill: (staging: string) => Promise<void>): Promise<GetResult>;
export declare function sizeOf(path: string): number;
export declare function formatMiB(bytes: number): string;
