export declare function table(rows: readonly (readonly string[])[]): string;
