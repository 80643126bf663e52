import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeProject, type Project, type Running, type Said } from './project.js';

// A tiny tfjs-node, wheel, pip and compiler, so that an installation takes no time and no network. Python is the real
// one, with a pip module of ours that it finds through PYTHONPATH.

const runs = 'a binding that runs';
const opRuns = 'an op that runs';

const fakePackage = {
  'package.json': '{ "name": "@tensorflow/tfjs-node", "version": "1.2.3", "main": "index.js" }',
  'binding/tfjs_backend.cc': '',
  'binding/tfjs_binding.cc': '',
  'index.js': `
    const { readFileSync } = require('fs');
    const text = readFileSync(__dirname + '/lib/napi-v8/tfjs_binding.node', 'utf8');
    if (text !== '${runs}') throw new Error('not a binding: ' + text);
    exports.matMul = () => ({ dataSync: () => [11] });
    let op;
    require('module')._extensions['.node'] = (module, file) => {
      op = readFileSync(file, 'utf8');
      if (op === 'an op that crashes') process.kill(process.pid, 'SIGKILL');
      if (!op.startsWith('an op')) throw new Error('not an op: ' + op);
    };
    const log = Math.log(4 / 3);
    const right = {
      SoftsegSums: [0.75, 0.75, 1, 1],
      SoftsegSumsGradient: [0.1875, -0.1875, -0.1875, 0.1875],
      SoftsegEntropyMap: [log, log],
      SoftsegEntropyMapGradient: [-0.25, 0.25, 0.25, -0.25],
    };
    exports.backend = () => ({
      binding: { TF_Version: '9.9.9' },
      isUsingGpuDevice: false,
      write: (values) => ({ values }),
      disposeData: () => true,
      executeSingleOutput: (name) => ({
        dataId: { values: op === '${opRuns}' ? right[name] : [1, 2] },
        dispose() {},
      }),
      readSync: ({ values }) => values,
    });
  `,
  'scripts/install.js': `
    const fs = require('fs');
    const how = process.env.FAKE_INSTALLER;
    fs.mkdirSync('deps/lib', { recursive: true });
    fs.writeFileSync('deps/lib/half', '');
    if (how === 'works') {
      fs.mkdirSync('lib/napi-v8', { recursive: true });
      fs.writeFileSync('lib/napi-v8/tfjs_binding.node', '${runs}');
    } else if (how === 'hangs') {
      setTimeout(() => {}, 60000);
    } else {
      console.error('some chatter');
      console.error('Error: the host is not there');
      process.exit(1);
    }
  `,
};

const fakePip = `
import os, sys, time, shutil
log = open(os.environ['FAKE_LOG'], 'a')
log.write('pip %d\\n' % os.getpid())
log.close()
if os.environ.get('FAKE_PIP') == 'network':
    print("WARNING: Retrying after connection broken by 'NewConnectionError: Network is unreachable'", file=sys.stderr)
    sys.exit('ERROR: No matching distribution found')
if os.environ.get('FAKE_PIP') == 'full':
    sys.exit('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device')
seconds = float(os.environ.get('FAKE_PIP_SECONDS', '0'))
wheel = os.environ['FAKE_WHEEL']
data = open(wheel, 'rb').read()
part = os.path.join(os.environ['TMPDIR'], 'pip-unpack-1', os.path.basename(wheel))
os.makedirs(os.path.dirname(part))
with open(part, 'wb', buffering=0) as file:
    for i in range(20):
        file.write(data[len(data) * i // 20:len(data) * (i + 1) // 20])
        time.sleep(seconds / 20)
shutil.move(part, sys.argv[sys.argv.index('--dest') + 1])
`;

const fakeCompiler = `#!/bin/sh
if [ "$1" = --version ]; then exit 0; fi
case "$*" in *native/softseg*|*softseg_op.node*)
  echo "op $$" >> "$FAKE_LOG"
  case "$*" in *"\${FAKE_OP_FAILS-does not}"*) echo "overlap.cc:1:2: error: this is no C++" >&2; exit 1; esac
  if [ -n "$FAKE_OP_SECONDS" ]; then sleep "$FAKE_OP_SECONDS"; fi
  while [ $# -gt 0 ]; do
    if [ "$1" = -o ]; then out=$2; fi
    shift
  done
  printf '%s' "\${FAKE_OP-${opRuns}}" > "$out"
  exit
esac
echo "compiler $$" >> "$FAKE_LOG"
if [ -n "$FAKE_CXX_FAILS" ]; then echo "a.cc:1:2: error: this is no C++" >&2; exit 1; fi
if [ -n "$FAKE_CXX_SECONDS" ]; then sleep "$FAKE_CXX_SECONDS"; fi
while [ $# -gt 0 ]; do
  if [ "$1" = -o ]; then out=$2; fi
  shift
done
printf '%s' "\${FAKE_BINDING-${runs}}" > "$out"
`;

/** Runs `install` with the settings in $SETTINGS, and prints its messages and its result. */
const driver = `
import { install } from './node_modules/softseg/dist/backend/provision/install.js';
const { free, umask, ...given } = JSON.parse(process.env.SETTINGS);
if (umask !== undefined) process.umask(umask);
const settings = {
  ...given,
  env: process.env,
  report: ({ label, fraction }) => console.log('progress', label, fraction ?? ''),
  note: (line) => console.log('note', line),
  freeBytes: async () => free,
};
try {
  console.log('result', JSON.stringify(await install(settings)));
} catch (error) {
  console.log('failure', error.name, error.code, error.message);
}
`;

/** Just enough of tfjs-core for load() to find that no backend runs. */
const fakeCore = {
  'package.json': '{ "name": "@tensorflow/tfjs-core", "version": "1.2.3", "main": "index.cjs" }',
  'index.cjs': 'exports.findBackendFactory = () => null; exports.getBackend = () => undefined;',
};

export interface FakeProject extends Project {
  packageFolder: string;
  binding: string;
  /** The pinned version and checksums of the tiny wheel. */
  library: { wheel: Record<string, unknown>; files: string[] } & Record<string, unknown>;
  /** Runs an installation to its end; `settings` replace those that would succeed. */
  install(settings?: Record<string, unknown>, env?: NodeJS.ProcessEnv): Promise<Said>;
  /** The environment in which driver.mjs runs an installation. */
  settingsFor(settings: Record<string, unknown>): NodeJS.ProcessEnv;
  /** Adds a tfjs-core, which load() needs to say what else is missing. */
  addCore(): void;
  /** Starts an installation. */
  begin(settings?: Record<string, unknown>, env?: NodeJS.ProcessEnv): Running;
  /** Process ids of each call of pip, of the compiler for the binding, and of the compiler for the op. */
  calls(what: 'pip' | 'compiler' | 'op'): number[];
}

export function makeFakeProject(): FakeProject {
  const project = makeProject([]);
  const at = (...parts: string[]) => join(project.folder, ...parts);
  const packageFolder = at('node_modules', '@tensorflow', 'tfjs-node');
  const write = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  for (const [file, text] of Object.entries(fakePackage)) write(join(packageFolder, file), text);
  write(at('fake', 'pip', '__init__.py'), "__version__ = '23.0'");
  write(at('fake', 'pip', '__main__.py'), fakePip);
  write(at('fake', 'c++'), fakeCompiler);
  chmodSync(at('fake', 'c++'), 0o755);
  write(at('driver.mjs'), driver);

  const wheel = at('fake', 'tiny-1.0-py3-none-any.whl');
  const members = {
    'tensorflow/libtiny.so': 'library '.repeat(5000),
    'tensorflow/include/tiny.h': '',
    'rest/of/it': 'x',
  };
  const zip =
    'import sys, json, zipfile\n' +
    'with zipfile.ZipFile(sys.argv[1], "w") as z:\n' +
    '  for n, t in json.loads(sys.argv[2]).items(): z.writestr(n, t)';
  execFileSync('python3', ['-c', zip, wheel, JSON.stringify(members)]);
  const pin = {
    name: 'tiny',
    version: '1.0',
    file: 'tiny-1.0-py3-none-any.whl',
    platform: 'any',
    bytes: statSync(wheel).size,
    sha256: createHash('sha256').update(readFileSync(wheel)).digest('hex'),
    keep: ['tensorflow/'],
    unpacked: 40_000,
  };
  const working = {
    packageName: '@tensorflow/tfjs-node',
    packageVersion: '1.2.3',
    packageFolder,
    library: { key: 'tiny-1.0', version: '9.9.9', wheel: pin, files: ['tensorflow/libtiny.so'], cuda: [] },
    cudaLibraries: false,
    cache: project.cache,
    free: 1e12,
    ownInstallerTime: 10_000,
  };
  Object.assign(project.env, {
    PYTHONPATH: at('fake'),
    CXX: at('fake', 'c++'),
    FAKE_WHEEL: wheel,
    FAKE_LOG: at('log'),
  });
  const begin = (settings: Record<string, unknown> = {}, env: NodeJS.ProcessEnv = {}) =>
    project.start(['driver.mjs'], { ...env, ...settingsFor(settings) });
  const settingsFor = (settings: Record<string, unknown>) => ({
    SETTINGS: JSON.stringify({ ...working, ...settings }),
  });
  return {
    ...project,
    packageFolder,
    library: working.library,
    binding: join(packageFolder, 'lib', 'napi-v8', 'tfjs_binding.node'),
    addCore: () => {
      for (const [file, text] of Object.entries(fakeCore))
        write(at('node_modules', '@tensorflow', 'tfjs-core', file), text);
    },
    begin,
    settingsFor,
    install: (settings, env) => begin(settings, env).ended,
    calls: (what) =>
      (existsSync(at('log')) ? readFileSync(at('log'), 'utf8').split('\n') : [])
        .filter((line) => line.startsWith(`${what} `))
        .map((line) => Number(line.split(' ')[1])),
  };
}

/** A PATH with nothing but Node and the named programs. */
export function emptyPath(project: Project, programs: string[] = []): string {
  const folder = join(project.folder, `bin-${programs.join('-')}`);
  mkdirSync(folder, { recursive: true });
  symlinkSync(process.execPath, join(folder, 'node'));
  for (const program of programs) {
    symlinkSync(whereIs(program), join(folder, program));
  }
  return folder;
}

function whereIs(program: string): string {
  // `python3` may be a script that looks for the real one.
  const [command, args] =
    program === 'python3' ? [program, ['-c', 'import sys; print(sys.executable)']] : ['which', [program]];
  return execFileSync(command, args, { encoding: 'utf8' }).trim();
}
