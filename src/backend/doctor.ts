import { coreCopies, severalCores } from './coreCopies.js';
import {
  backendChoices,
  backendVariable,
  ignoredLimits,
  wrongVariables,
  type BackendChoice,
} from './system/environment.js';
import { messageOf } from './system/errors.js';
import { visibleGpuDriver } from './system/gpu.js';
import { faultMessage } from './provision/inspect.js';
import type { InstallProgress } from './provision/settings.js';
import { findPackage } from './system/packages.js';
import { aboutKernels, probe, type ProbeAnswer } from './provision/probe.js';
import { visibleLine } from './system/terminal.js';
import { inspectInstalled, type Verified } from './provision/verify.js';

/** The result of trying one backend on this machine. */
export type Diagnosis = { name: BackendChoice } & ProbeAnswer;

/** The results of trying all backends, and the problems found. */
export interface DoctorReport {
  backends: Diagnosis[];
  /**
   * The problems and their remedies, a line each: no backend runs; an installed package cannot be used (except
   * tfjs-node-gpu where no NVIDIA driver is visible); something in the cache is damaged, or other users can write to
   * it; there are several copies of tfjs-core; an environment variable has an invalid value; or the backend that
   * `SOFTSEG_BACKEND` names does not run.
   */
  problems: string[];
  /** With `verify`: the pieces that the installed packages load from the cache, and the fault of each if it has one. */
  verified?: Verified[];
}

export interface DiagnoseOptions {
  /**
   * Compares every byte of the files that are loaded from the cache with the files as they were installed. Default
   * false: large files are compared by size and time, as `load` does.
   */
  verify?: boolean;
  onProgress?: (progress: InstallProgress) => void;
}

/**
 * Tries every backend with an op and a gradient, each in its own process. It downloads nothing.
 *
 * @example
 * ```ts
 * const { backends, problems } = await diagnose();
 * const runs = backends.filter((backend) => backend.runs);
 * ```
 */
export async function diagnose({ verify = false, onProgress }: DiagnoseOptions = {}): Promise<DoctorReport> {
  const wrong = wrongVariables(process.env);
  const env = { ...process.env };
  for (const name of Object.keys(wrong)) delete env[name];
  const backends: Diagnosis[] = [];
  // One after the other, because each may take all cores and a gigabyte of memory.
  for (const name of backendChoices) backends.push({ name, ...(await probe(['backend', name], { env })) });
  const pieces = await inspectInstalled(verify, onProgress);
  const problems = [
    ...Object.values(wrong),
    ...ignoredLimits(env),
    ...coreProblems(),
    ...backendProblems(backends, env),
  ];
  // If a damaged binding keeps its backend from running, the line about that backend says so already.
  const told = (why: string) => problems.some((line) => line.includes(why));
  for (const { fault } of pieces) if (fault && !told(fault.why)) problems.push(faultMessage(fault));
  return { backends, problems, ...(verify && { verified: pieces }) };
}

function coreProblems(): string[] {
  try {
    return [severalCores(coreCopies()) ?? []].flat();
  } catch (error) {
    return [messageOf(error)];
  }
}

function backendProblems(backends: Diagnosis[], env: NodeJS.ProcessEnv): string[] {
  const wanted = backendVariable(env);
  const problems: string[] = [];
  for (const backend of backends) {
    if (backend.runs) continue;
    if (backend.name === wanted) problems.push(`SOFTSEG_BACKEND=${wanted} does not run: ${backend.why}`);
    else if (isInstalled[backend.name]()) problems.push(`${backend.name} does not run: ${backend.why}`);
  }
  if (!backends.some(({ runs }) => runs)) problems.push('no backend runs');
  return problems;
}

const has = (name: string): boolean => {
  try {
    return findPackage(name) !== undefined;
  } catch {
    return true; // it is installed, but damaged
  }
};

const isInstalled: Record<BackendChoice, () => boolean> = {
  cuda: () => has('@tensorflow/tfjs-node-gpu') && visibleGpuDriver() !== undefined,
  native: () => has('@tensorflow/tfjs-node'),
  wasm: () => has('@tensorflow/tfjs-backend-wasm'),
  cpu: () => has('@tensorflow/tfjs-backend-cpu') || has('@tensorflow/tfjs'),
};

/** The pieces that were verified, each on a line, as text. */
export const verifiedText = (verified: Verified[]): string =>
  verified.length === 0
    ? 'No package here uses anything that softseg has installed.'
    : [
        'In the cache:',
        ...verified.map(
          ({ name, folder, fault }) => `- ${name}: ${fault ? faultMessage(fault) : `whole, in ${folder}`}`,
        ),
      ]
        .map(visibleLine)
        .join('\n');

/** The diagnoses as a table for a terminal of `width` columns. */
export function diagnosisTable(diagnoses: Diagnosis[], width = Infinity): string {
  const rows = diagnoses.map((d) =>
    d.runs ? [d.name, 'yes', d.version, d.device, d.kernels, remark(d)] : [d.name, 'no', '-', '-', '-', d.why],
  );
  const head = ['backend', 'runs', 'version', 'device', 'kernels', 'why not, and what to do'];
  const all = [head, ...rows].map((row) => row.map(visibleLine));
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const indent = widths.reduce((sum, w) => sum + w + 2, 0);
  return all
    .map((row) => {
      const cells = widths.map((w, column) => (row[column] ?? '').padEnd(w)).join('  ');
      return `${cells}  ${wrap(row[5] ?? '', width - indent, indent)}`.trimEnd();
    })
    .join('\n');
}

/** A sentence that names the backend that `load()` starts by default. */
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
