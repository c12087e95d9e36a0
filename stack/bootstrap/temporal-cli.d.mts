import type { GetResult } from './get-once.mjs';

export declare function temporalCliFolder(): string;
export declare function temporalCliPath(): string;
export declare function getTemporalCli(say: (line: string) => void): Promise<GetResult>;
