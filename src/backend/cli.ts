#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { diagnose, diagnosisTable, firstChoice, verifiedText, type DoctorReport } from './doctor.js';
import { InstallError, messageOf } from './system/errors.js';
import { inBackend } from './system/paths.js';
import { installNative } from './provision/install.js';
import { findPackage } from './system/packages.js';
import { ProgressLine, showOn } from './progress.js';
import { lostBy, visible, visibleLine, writeTo } from './system/terminal.js';

const help = `softseg: soft segmentation losses on TensorFlow.js

Usage
  npx softseg install-native [--cuda] [--[no-]cuda-libraries]
      Bring TensorFlow's library to your cache folder, compile tfjs-node's binding, link it into node_modules, and
      compile softseg's own op for this processor, which makes the losses faster.
      Needs Python with pip and a C++ compiler; run a second time it only checks. Run it after each change of
      tfjs-node or softseg; after \`npm ci\`, load() of softseg/node makes the link again by itself.
        --cuda               the CUDA build, for @tensorflow/tfjs-node-gpu (Linux x64)
        --cuda-libraries     with --cuda: fetch NVIDIA's libraries too, even if no driver is visible
        --no-cuda-libraries  with --cuda: do not fetch them
  npx softseg doctor [--json] [--verify]
      Try each backend with an op and a gradient, and tell which run, and what to do about those that do not.
      --json gives { backends, problems }. Exit code 0 if nothing is wrong; 1 if no backend runs, a package that is
      installed cannot be used (except tfjs-node-gpu where no NVIDIA driver is visible), what is in the cache is damaged
      or can be written by others, there are several copies of tfjs-core, an environment variable has a value that it
      cannot have, or SOFTSEG_BACKEND does not run.
        --verify             read every byte of what is loaded from the cache, where load() goes by size and time
  npx softseg --help
  npx softseg --version

Environment
  SOFTSEG_BACKEND   backend that load() insists on: cuda, native, wasm or cpu (load's own argument wins)
  SOFTSEG_CACHE     folder of the libraries, an absolute path (else softseg in your cache folder)
  SOFTSEG_KERNELS   'composed' has the losses use tfjs's ops alone ('auto' is the default)
  SOFTSEG_THREADS   1 keeps the fused kernels of the cpu backend from using a second thread
  SOFTSEG_PYTHON    Python to fetch with (else python3, python)
  CXX               C++ compiler (else g++, c++, clang++)
  One of softseg's that has another value is an error everywhere; an empty one counts as not set.
`;

/** A call that makes no sense: told with exit code 2. */
class UsageError extends Error {}

/** Nothing else writes: what comes from outside (arguments, paths, other programs) may hold escape codes. */
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
    // A failure after which another way was tried was told then.
    if (!noted.has(error.message)) complain(error.message);
    if (error.code === 'interrupted') return 128 + ({ SIGINT: 2, SIGHUP: 1 }[endedBy as string] ?? 15);
    complain(`until then load() of softseg/node takes ${nextBest()}`);
    return 1;
  }
}

const nextBest = (): string =>
  findPackage('@tensorflow/tfjs-backend-wasm')
    ? 'wasm'
    : 'cpu (plain JavaScript); `npm install @tensorflow/tfjs-backend-wasm` would give it wasm';

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
  if (problems.length > 0)
    parts.push(['What is wrong:', ...problems.map((line) => `- ${visibleLine(line)}`)].join('\n'));
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

// A stream tells that it is broken only after it was written to.
process.once('exit', () => {
  const error = lostBy(process.stdout);
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
