// Compiles native/ to WebAssembly and writes it as text to src/kernels/module/binary.ts. With --check it fails if that
// file differs from the result. The compiler is pinned and comes from pip, so that every machine makes the same bytes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from './options.js';
import { writeWhole } from './writeWhole.js';

const { check } = commandLine({
  usage: 'npm run wasm [-- --check]',
  about: 'Compiles native/ to WebAssembly, into src/kernels/module/binary.ts.',
  options: { check: { about: 'write nothing, and fail if the file is not what comes out' } },
});

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const native = join(root, 'native');
const output = join(root, 'src/kernels/module/binary.ts');
const windows = process.platform === 'win32';

const compiler = 'ziglang==0.17.1';
const sources = ['overlap.cc', 'wasm.cc'];

const compileFlags = [
  '--target=wasm32',
  '--no-default-config',
  '-std=c++17',
  '-O3',
  '-msimd128',
  '-mbulk-memory',
  '-mnontrapping-fptoint',
  '-mmutable-globals',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-fno-exceptions',
  '-fno-rtti',
  // Otherwise switches become tables in static data.
  '-fno-jump-tables',
  '-nostdinc',
  '-Wall',
  '-Wextra',
  '-Werror',
];

// The memory is imported and may belong to another module, so this module has no fixed addresses in it: no static data,
// and no stack of its own (the code that makes an instance sets the stack pointer).
const linkFlags = [
  '--no-entry',
  '--import-memory',
  '--max-memory=4294967296',
  '--export=__stack_pointer',
  '--stack-first',
  '-z',
  'stack-size=0',
  '--strip-all',
];

// The only functions of a C library that the sources need. The compiler replaces calls of them by instructions.
const stringHeader = `#include <stddef.h>
extern "C" void* memcpy(void* to, const void* from, size_t bytes);
extern "C" void* memset(void* to, int value, size_t bytes);
`;

/** The folder of the compiler's package, which is installed elsewhere and then renamed, so it is never incomplete. */
function installed() {
  const folder = join(root, 'node_modules/.cache/softseg', compiler.replace('==', '-'));
  if (existsSync(folder)) return join(folder, 'ziglang');
  mkdirSync(dirname(folder), { recursive: true });
  const staging = mkdtempSync(`${folder}.`);
  try {
    const made = join(staging, 'made');
    const pip = [
      '-m',
      'pip',
      '--quiet',
      '--disable-pip-version-check',
      'install',
      '--no-deps',
      '--only-binary',
      ':all:',
    ];
    execFileSync(windows ? 'python' : 'python3', [...pip, '--target', made, compiler], {
      stdio: ['ignore', 2, 2],
      env: { ...process.env, PIP_REQUIRE_VIRTUALENV: '0' },
    });
    try {
      renameSync(made, folder);
    } catch (error) {
      // Another run may have been first.
      if (!existsSync(folder)) throw error;
    }
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return join(folder, 'ziglang');
}

/** Compiles the module and returns its bytes. */
function build() {
  const zig = installed();
  const folder = mkdtempSync(join(tmpdir(), 'softseg-wasm-'));
  // The user's environment is left out, because it could add folders and options for the compiler.
  const env = { SystemRoot: process.env.SystemRoot, ZIG_GLOBAL_CACHE_DIR: folder, ZIG_LOCAL_CACHE_DIR: folder };
  const run = (tool, args) =>
    execFileSync(join(zig, windows ? 'zig.exe' : 'zig'), [tool, ...args], {
      cwd: native,
      env,
      stdio: ['ignore', 2, 2],
    });
  try {
    writeFileSync(join(folder, 'string.h'), stringHeader);
    const include = ['-isystem', folder, '-isystem', join(zig, 'lib/include')];
    const objects = sources.map((source) => join(folder, `${source}.o`));
    sources.forEach((source, i) => run('clang', [...compileFlags, ...include, '-c', source, '-o', objects[i]]));
    run('wasm-ld', [...linkFlags, ...objects, '-o', join(folder, 'softseg.wasm')]);
    return readFileSync(join(folder, 'softseg.wasm'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Reads an unsigned LEB128 number in a module; returns it and the place after it. */
function numberAt(bytes, at) {
  for (let value = 0, shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
}

const importSection = 2;
const startSection = 8;
const dataSection = 11;
const memoryKind = 2;

/** The place of the byte that says whether the memory is shared. Throws if the module could damage a foreign memory. */
function limitsPlace(bytes) {
  let place;
  for (let at = 8; at < bytes.length;) {
    const id = bytes[at];
    const [size, start] = numberAt(bytes, at + 1);
    if (id === startSection || id === dataSection)
      throw new Error('the module has static data, or code that runs when it is instantiated');
    if (id === importSection) {
      const [count, first] = numberAt(bytes, start);
      const [moduleLength, moduleName] = numberAt(bytes, first);
      const [nameLength, name] = numberAt(bytes, moduleName + moduleLength);
      const kind = name + nameLength;
      if (count !== 1 || bytes[kind] !== memoryKind) throw new Error('the module imports more than its memory');
      place = kind + 1;
    }
    at = start + size;
  }
  if (bytes[place] !== 1) throw new Error('the imported memory has no upper limit');
  return place;
}

/** A hash of all that the module is made from. */
function hashOfSources() {
  const hash = createHash('sha256').update(JSON.stringify([compiler, compileFlags, linkFlags, stringHeader]));
  const headers = ['overlap.h', 'tile.h', 'vectors.h'];
  for (const name of [...sources, ...headers]) {
    hash.update(readFileSync(join(native, name), 'utf8').replaceAll('\r\n', '\n'));
  }
  return hash.digest('hex');
}

const bytes = build();
const text = `/**
 * native/ as a WebAssembly module of ${bytes.length} bytes. Generated by \`node scripts/wasm.js\` with ${compiler}.
 * Do not edit it.
 * sha256 of the sources: ${hashOfSources()}
 */

/** The index of the byte that says which memory the module imports: 1 for a plain one, 3 for a shared one. */
export const LIMITS_AT = ${limitsPlace(bytes)};

export const BINARY =
  '${bytes.toString('base64')}';
`;

if (!check) {
  writeWhole(output, text);
} else if (!existsSync(output) || readFileSync(output, 'utf8').replaceAll('\r\n', '\n') !== text) {
  console.error('src/kernels/module/binary.ts differs from the compiled native/: run `node scripts/wasm.js`');
  process.exitCode = 1;
}
