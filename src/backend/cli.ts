#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { diagnose, diagnosisTable, firstChoice, verifiedText, type DoctorReport } from './doctor.js';
import { InstallError, messageOf } from './system/errors.js';
import { inBackend } from './system/paths.js';
import { installNative } from './provision/install.js';
import { findPackage } from './system/packages.js';
import { ProgressLine, showOn } from './progress.js';
import { writeErrorOf, visible, visibleLine, writeTo } from './system/terminal.js';

const help = `softseg: soft segmentation losses on TensorFlow.js

Usage
  npx softseg install-native [--cuda] [--[no-]cuda-libraries]
      Fetch TensorFlow's library into your cache folder, compile tfjs-node's binding, link it into node_modules, and
      compile softseg's own op for this processor, which makes the losses faster.
      Needs Python with pip and a C++ compiler. A second run only checks. Run it again after each update of
      tfjs-node or softseg; after \`npm ci\` this is not needed, because load() of softseg/node restores the link.
        --cuda               the CUDA build, for @tensorflow/tfjs-node-gpu (Linux x64)
        --cuda-libraries     with --cuda: fetch NVIDIA's libraries too, even if no driver is visible
        --no-cuda-libraries  with --cuda: do not fetch them
  npx softseg doctor [--json] [--verify]
      Try each backend with an op and a gradient, and report which of them run and how to fix the others.
      --json prints { backends, problems }. The exit code is 0 if nothing is wrong, and 1 if
        - no backend runs, or the one that SOFTSEG_BACKEND names does not,
        - an installed package cannot be used (except tfjs-node-gpu where no NVIDIA driver is visible),
        - a file in the cache is damaged, or other users can write to it,
        - there are several copies of tfjs-core, or
        - an environment variable has an invalid value.
        --verify             read every byte of the files that are loaded from the cache; load() compares the sizes
                             and times of large files
  npx softseg --help
  npx softseg --version

Environment
  SOFTSEG_BACKEND   the only backend that load() may start: cuda, native, wasm or cpu (load's own argument wins)
  SOFTSEG_CACHE     folder of the libraries, an absolute path (default: softseg in your cache folder)
  SOFTSEG_KERNELS   'composed' makes the losses use only tfjs's own ops ('auto' is the default)
  SOFTSEG_THREADS   1 keeps the fused kernels of the cpu backend from using a second thread
  SOFTSEG_PYTHON    the Python that fetches packages with pip (default: python3, then python)
  CXX               the C++ compiler (default: g++, then c++, then clang++)
  An invalid value of one of softseg's variables is always an error; an empty variable counts as not set.
`;

/** An error in the arguments of the command; the exit code is 2. */
class UsageError extends Error {}

// All output goes through these two, because text from outside (arguments, paths, programs) may hold escape codes.
const say = (text: string) => writeTo(process.stdout, `${visible(text)}\n`);
const complain = (text: string) => writeTo(process.stderr, `softseg: ${visibleLine(text)}\n`);

async function main(args: string[]): Promise<number> {
  const [command, ...rest] = args;
  if (command === undefined || command === '--help' || command === '-h' || command === 'help') {
    writeTo(command === undefined ? process.stderr : process.stdout, help);
    return command === undefined ? 2 : 0;
  }
  if (command === '--version' || command === '-v') {
    parse(rest, []);
    say(ownVersion());
    return 0;
  }
  if (command === 'install-native') return installCommand(rest);
  if (command === 'doctor') return doctorCommand(rest);
  throw new UsageError(`unknown ${command.startsWith('-') ? 'option' : 'command'} '${command}'`);
}

const ownVersion = (): string =>
  (JSON.parse(readFileSync(inBackend('../../package.json'), 'utf8')) as { version: string }).version;

async function installCommand(args: string[]): Promise<number> {
  const flags = parse(args, ['help', 'cuda', 'cuda-libraries', 'no-cuda-libraries']);
  if (flags.has('help')) return main(['--help']);
  const withLibraries = flags.has('cuda-libraries');
  const withoutLibraries = flags.has('no-cuda-libraries');
  if (withLibraries && withoutLibraries)
    throw new UsageError('--cuda-libraries and --no-cuda-libraries exclude each other');
  if ((withLibraries || withoutLibraries) && !flags.has('cuda')) {
    throw new UsageError(`--${withoutLibraries ? 'no-' : ''}cuda-libraries goes with --cuda`);
  }

  const stop = new AbortController();
  let endedBy: NodeJS.Signals | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      endedBy ??= signal;
      stop.abort();
    });
  }
  const line = new ProgressLine(process.stderr);
  const noted = new Set<string>();
  const start = performance.now();
  try {
    const done = await installNative({
      cuda: flags.has('cuda'),
      cudaLibraries: withLibraries ? true : withoutLibraries ? false : undefined,
      signal: stop.signal,
      onProgress: showOn(line),
      onNote: (text) => {
        noted.add(text);
        line.note(`softseg: ${visibleLine(text)}`);
      },
    });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    line.done();
    say(
      `softseg: ${done.package} runs TensorFlow ${done.version} on ${done.device}, kernels ${done.kernels} ` +
        `(${done.by}, ${seconds} s)`,
    );
    return 0;
  } catch (error) {
    line.done();
    if (!(error instanceof InstallError)) throw error;
    // If another way was tried after this failure, it was reported then.
    if (!noted.has(error.message)) complain(error.message);
    if (error.code === 'interrupted') return 128 + ({ SIGINT: 2, SIGHUP: 1 }[endedBy as string] ?? 15);
    complain(`until this is fixed, load() of softseg/node uses ${nextBest()}`);
    return 1;
  }
}

const nextBest = (): string =>
  findPackage('@tensorflow/tfjs-backend-wasm')
    ? 'wasm'
    : 'cpu (plain JavaScript), or wasm after `npm install @tensorflow/tfjs-backend-wasm`';

async function doctorCommand(args: string[]): Promise<number> {
  const flags = parse(args, ['help', 'json', 'verify']);
  if (flags.has('help')) return main(['--help']);
  const line = new ProgressLine(process.stderr);
  const report = await diagnose({ verify: flags.has('verify'), onProgress: showOn(line) });
  line.done();
  if (flags.has('json')) say(JSON.stringify(report, null, 2));
  else say(reportText(report));
  return report.problems.length > 0 ? 1 : 0;
}

function reportText({ backends, problems, verified }: DoctorReport): string {
  const parts = [diagnosisTable(backends, process.stdout.columns), firstChoice(backends)];
  if (verified) parts.push(verifiedText(verified));
  if (problems.length > 0) parts.push(['Problems:', ...problems.map((line) => `- ${visibleLine(line)}`)].join('\n'));
  return parts.join('\n\n');
}

/** The names of the flags given; all of softseg's options are flags. */
function parse(args: string[], names: string[]): Set<string> {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'boolean' as const }]));
  try {
    return new Set(Object.keys(parseArgs({ args, options, strict: true }).values));
  } catch (error) {
    throw new UsageError((messageOf(error).split('. ')[0] ?? '').replace(/\.$/, ''));
  }
}

// A stream reports that it is broken only after something was written to it.
process.once('exit', () => {
  const error = writeErrorOf(process.stdout);
  if (!error) return;
  complain(`standard output could not be written: ${messageOf(error)}`);
  process.exitCode ||= 1;
});

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    const usage = error instanceof UsageError;
    complain(`${messageOf(error)}${usage ? '; see `npx softseg --help`' : ''}`);
    process.exitCode = usage ? 2 : 1;
  },
);
