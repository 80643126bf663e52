/** `softseg doctor` finds what is wrong, and its exit code says whether anything is. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { cpSync, existsSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { damaged } from '../damage/damaged.js';
import { makeFakeProject } from './fakes.js';
import { makeProject, provisionedCache, type Project } from './project.js';

// The tests start processes, possibly on busy machines.
jest.setTimeout(120_000);

const core = '@tensorflow/tfjs-core';
const wasm = '@tensorflow/tfjs-backend-wasm';

interface Report {
  backends: { name: string; runs: boolean }[];
  problems: string[];
}

/** The findings of doctor as JSON, after a check that its exit code and its text agree with them. */
function report(project: Project, env: NodeJS.ProcessEnv = {}): Report {
  const { code, out, err } = project.cli(['doctor', '--json'], env);
  if (!out) throw new Error(err);
  const found = JSON.parse(out) as Report;
  expect(code).toBe(found.problems.length > 0 ? 1 : 0);
  return found;
}
const running = ({ backends }: Report) => backends.filter(({ runs }) => runs).map(({ name }) => name);

describe('where tfjs and the wasm backend are installed', () => {
  let project: Project;
  beforeAll(() => {
    project = makeProject([core, '@tensorflow/tfjs', wasm]);
  });
  afterAll(() => project.remove());

  test('nothing is wrong, and a table shows what runs', () => {
    const { code, out } = project.cli(['doctor']);
    expect(code).toBe(0);
    const rows = out.split('\n');
    expect(rows[0]).toMatch(/^backend +runs +version +device +kernels +why not, and what to do$/);
    expect(rows[1]).toMatch(/^cuda +no +- +- +- +\S/);
    expect(rows[2]).toMatch(/^native +no +- +- +- +@tensorflow\/tfjs-node is not installed; run `npm install/);
    expect(rows[3]).toMatch(/^wasm +yes +4\.\d+\.\d+ +cpu +(fused wasm|composed)$/);
    expect(rows[4]).toMatch(/^cpu +yes +4\.\d+\.\d+ +cpu +(fused wasm|composed)$/);
    expect(out).toContain('load() starts wasm.');
    expect(out).not.toContain('Problems:');
    const found = report(project);
    expect(found.problems).toEqual([]);
    expect(found.backends.map(({ name, runs }) => [name, runs])).toEqual([
      ['cuda', false],
      ['native', false],
      ['wasm', true],
      ['cpu', true],
    ]);
  });

  test('misspelt variables are reported, and the backends are tried all the same', () => {
    const env = {
      SOFTSEG_BACKEND: 'gpu',
      SOFTSEG_KERNELS: 'compsed',
      SOFTSEG_CACHE: '~/cache',
      OMP_NUM_THREADS: 'two',
    };
    const found = report(project, env);
    expect(found.problems).toEqual([
      'the environment variable SOFTSEG_BACKEND must be cuda, native, wasm or cpu, or not set; got "gpu"',
      'the environment variable SOFTSEG_CACHE must be an absolute path, or not set; got "~/cache"',
      'the environment variable SOFTSEG_KERNELS must be auto or composed, or not set; got "compsed"',
      'the environment variable OMP_NUM_THREADS must be a number of threads, or not set; got "two", which is ignored',
    ]);
    expect(running(found)).toEqual(['wasm', 'cpu']);
    const { code, out } = project.cli(['doctor'], { SOFTSEG_THREADS: 'many' });
    expect(code).toBe(1);
    expect(out).toContain(
      'Problems:\n- the environment variable SOFTSEG_THREADS must be a whole number from 1 on, or not set; got "many"',
    );
  });

  test('SOFTSEG_BACKEND is reported if its backend does not run', () => {
    expect(report(project, { SOFTSEG_BACKEND: 'cpu' }).problems).toEqual([]);
    expect(report(project, { SOFTSEG_BACKEND: 'native' }).problems).toEqual([
      'SOFTSEG_BACKEND=native does not run: @tensorflow/tfjs-node is not installed; ' +
        'run `npm install --ignore-scripts @tensorflow/tfjs-node`',
    ]);
  });
});

describe('where installed packages cannot be used', () => {
  test('tfjs-node without its library is reported', () => {
    const project = makeProject([core, '@tensorflow/tfjs', '@tensorflow/tfjs-node']);
    try {
      const found = report(project);
      expect(running(found)).toEqual(['cpu']);
      expect(found.problems).toEqual([
        "native does not run: TensorFlow's library is not installed; run `npx softseg install-native`",
      ]);
      const cache = provisionedCache();
      if (!cache) throw new Error('the cache does not hold the library: run `npm run provision`, as `npm test` does');
      const provided = report(project, { SOFTSEG_CACHE: cache });
      expect(provided.problems).toEqual([]);
      expect(running(provided)).toEqual(['native', 'cpu']);
    } finally {
      project.remove();
    }
  });

  test('tfjs-node-gpu is reported only where a driver is visible', () => {
    const project = makeProject([core, '@tensorflow/tfjs']);
    try {
      const gpu = join(project.folder, 'node_modules/@tensorflow/tfjs-node-gpu');
      mkdirSync(gpu, { recursive: true });
      writeFileSync(join(gpu, 'package.json'), '{ "name": "@tensorflow/tfjs-node-gpu", "version": "1.2.3" }');
      const { problems } = report(project);
      if (existsSync('/dev/nvidiactl')) expect(problems).toEqual([expect.stringMatching(/^cuda does not run: /)]);
      else expect(problems).toEqual([]);
    } finally {
      project.remove();
    }
  });

  test('the lack of any backend is reported', () => {
    const project = makeProject([]);
    try {
      const { code, out } = project.cli(['doctor']);
      expect(code).toBe(1);
      expect(out).toMatch(/^cpu +no +- +- +- +@tensorflow\/tfjs-core is not installed/m);
      expect(out).toContain('No backend runs here.');
      expect(out).toContain('Problems:\n- no backend runs');
    } finally {
      project.remove();
    }
  });
});

describe('two copies of tfjs-core', () => {
  test.each([
    ['of one version', undefined],
    ['of two versions', '4.21.0'],
  ])('(%s) are reported, with the packages that use each', (_, version) => {
    const project = makeProject(['@tensorflow/tfjs', wasm]);
    try {
      // tfjs and the wasm backend are links into a folder that has its own copy.
      const copy = join(project.folder, 'node_modules', core);
      const theirs = realpathSync(join(dirname(realpathSync(join(project.folder, 'node_modules', wasm))), 'tfjs-core'));
      cpSync(theirs, copy, {
        recursive: true,
        filter: (path) => !/\.map$|\/src\/|dist\/(?!tf-core\.node)./.test(path),
      });
      const manifest = { name: core, version: version ?? '4.22.0', main: 'dist/tf-core.node.js' };
      writeFileSync(join(copy, 'package.json'), JSON.stringify(manifest));
      const { problems } = report(project);
      const told = problems.find((line) => line.startsWith('there are 2 copies of @tensorflow/tfjs-core'));
      expect(told).toContain(`${manifest.version} in ${copy} (used by softseg, the program)`);
      expect(told).toMatch(new RegExp(`4\\.22\\.0 in ${theirs} \\(used by @tensorflow/tfjs[^)]*, ${wasm}[,)]`));
      expect(told).toContain('Install all packages of tfjs at one version and run `npm dedupe`');
    } finally {
      project.remove();
    }
  });

  test('are found deep in the dependencies of a package, and links to one copy count once', () => {
    const project = makeProject([]);
    try {
      const modules = join(project.folder, 'node_modules', '@tensorflow');
      const add = (folder: string, name: string, dependencies: Record<string, string> = {}) => {
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '4.0.0', dependencies }));
      };
      add(join(modules, 'tfjs-core'), core);
      add(join(modules, 'tfjs-node'), '@tensorflow/tfjs-node', { '@tensorflow/tfjs': '*' });
      const own = join(modules, 'tfjs-node/node_modules/@tensorflow');
      add(join(own, 'tfjs'), '@tensorflow/tfjs', { '@tensorflow/tfjs-layers': '*', [core]: '*' });
      add(join(own, 'tfjs-layers'), '@tensorflow/tfjs-layers', { [core]: '*', '@tensorflow/tfjs': '*' });
      const copies = () => report(project).problems.filter((line) => line.includes('copies of'));
      expect(copies()).toEqual([]);
      const second = join(own, 'tfjs-layers/node_modules/@tensorflow/tfjs-core');
      add(second, core);
      expect(copies()).toEqual([expect.stringContaining(`4.0.0 in ${second} (used by @tensorflow/tfjs-layers)`)]);
      rmSync(second, { recursive: true });
      symlinkSync(join(modules, 'tfjs-core'), second);
      expect(copies()).toEqual([]);
    } finally {
      project.remove();
    }
  });
});

describe('a damaged package.json', () => {
  test.each(['', '{', 'null', '[]', '{}', '{"version":1}', '\0\0\0'])(
    'that holds %j is reported with advice',
    (text) => {
      const project = makeFakeProject();
      try {
        project.addCore();
        const path = join(project.packageFolder, 'package.json');
        writeFileSync(path, text);
        const why =
          /@tensorflow\/tfjs-node is damaged \(.*tfjs-node\/package\.json.*\); remove its folder and run `npm install`$/;
        const { problems } = report(project);
        expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^native does not run: ${why.source}`)));
        const { code, err } = project.cli(['install-native']);
        expect({ code, err: err.trimEnd().split('\n')[0] }).toEqual({ code: 1, err: expect.stringMatching(why) });
      } finally {
        project.remove();
      }
    },
  );

  test('(any byte changed, any length) is either reported or has no effect', () => {
    const project = makeFakeProject();
    try {
      const whole = '{ "name": "@tensorflow/tfjs-data", "version": "4.22.0", "dependencies": { "a": "*" } }';
      const cases = [...damaged(Buffer.from(whole))].map(({ what, bytes }, i) => {
        const folder = join(project.folder, 'cases', String(i), 'node_modules/@tensorflow/tfjs-data');
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'package.json'), bytes);
        return what;
      });
      const { out, err } = project.script(
        `
        import { findPackage } from './node_modules/softseg/dist/backend/system/packages.js';
        import { coreCopies } from './node_modules/softseg/dist/backend/coreCopies.js';
        const root = process.cwd();
        const said = (call) => {
          try {
            return typeof (call() ?? { version: '' }).version;
          } catch (error) {
            return error.name + ': ' + error.message;
          }
        };
        const answers = [];
        for (let i = 0; i < ${cases.length}; i++) {
          process.chdir(root + '/cases/' + i);
          answers.push(said(() => findPackage('@tensorflow/tfjs-data')), said(() => (coreCopies(), undefined)));
        }
        console.log(JSON.stringify(answers));
        `,
      );
      if (!out) throw new Error(err);
      const answers = JSON.parse(out) as string[];
      expect(answers).toHaveLength(2 * cases.length);
      const told = /^BackendError: @tensorflow\/tfjs-data is damaged \(.*\); remove its folder and run `npm install`$/s;
      expect(answers.filter((answer) => answer !== 'string' && !told.test(answer))).toEqual([]);
      expect(answers.some((answer) => told.test(answer))).toBe(true);
      expect(answers).toContain('string');
    } finally {
      project.remove();
    }
  });
});
