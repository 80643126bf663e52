import { backendChoices, type BackendChoice } from './environment.js';
import { aboutKernels, probe, type ProbeAnswer } from './probing.js';

/** How one backend does on this machine. */
export type Diagnosis = { name: BackendChoice } & ProbeAnswer;

/**
 * Tries every backend, each in a process of its own, with an op and a gradient; nothing is downloaded.
 *
 * @example
 * ```ts
 * const runs = (await diagnose()).filter((backend) => backend.runs);
 * ```
 */
export async function diagnose(): Promise<Diagnosis[]> {
  const found: Diagnosis[] = [];
  // One after the other: each may take all cores and a gigabyte.
  for (const name of backendChoices) found.push({ name, ...(await probe(['backend', name])) });
  return found;
}

/** The diagnoses as a table for a terminal of `width` columns. */
export function diagnosisTable(diagnoses: Diagnosis[], width = Infinity): string {
  const rows = diagnoses.map((d) =>
    d.runs ? [d.name, 'yes', d.version, d.device, d.kernels, remark(d)] : [d.name, 'no', '-', '-', '-', d.why],
  );
  const all = [['backend', 'runs', 'version', 'device', 'kernels', 'why not, and what to do'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const indent = widths.reduce((sum, w) => sum + w + 2, 0);
  return all
    .map((row) => {
      const cells = widths.map((w, column) => (row[column] ?? '').padEnd(w)).join('  ');
      return `${cells}  ${wrap(row[5] ?? '', width - indent, indent)}`.trimEnd();
    })
    .join('\n');
}

/** Which backend `load()` takes when nobody asks for another. */
export function firstChoice(diagnoses: Diagnosis[]): string {
  const best = diagnoses.find((d) => d.runs);
  return best ? `load() starts ${best.name}.` : 'No backend runs here.';
}

function remark(d: Diagnosis & { runs: true }): string {
  if (d.name === 'native' && d.device === 'cuda') return 'TensorFlow uses the GPU: this is cuda';
  return d.reasons.find((line) => line.startsWith(aboutKernels)) ?? '';
}

function wrap(text: string, width: number, indent: number): string {
  if (width < 20 || text.length <= width) return text;
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1] ?? '';
    if (last && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}
