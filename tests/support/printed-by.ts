import { vi } from 'vitest';

/** The exit code of a one-shot command, and all that it says to a terminal, which is kept from the test's own. */
export async function printedBy(command: () => Promise<number>): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const keep = (text: string | Uint8Array) => lines.push(String(text)) > 0;
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(keep),
  );
  try {
    const code = await command();
    return { code, text: lines.join('') };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
