/** A process that cannot be mistaken for a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
  readonly bootId: string;
}
export declare function startTimeOf(pid: number): string | undefined;
export declare function bootId(): string;
export declare function identityOf(pid: number): ProcessIdentity | undefined;
export declare function isAlive(identity: ProcessIdentity): boolean;
export declare function lockHolder(path: string): (ProcessIdentity & Record<string, unknown>) | undefined;
export declare function tryLock(path: string, details?: Record<string, unknown>): (() => void) | undefined;
export declare function lock(path: string): Promise<() => void>;
