import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { transformSync } from '@babel/core';

export const ROOT = join(__dirname, '..', '..');

export interface CodeBlock {
  name: string;
  code: string;
}

/** The ```ts blocks of a Markdown file. */
export function blocksOfMarkdown(path: string): CodeBlock[] {
  return blocksOf(path, readFileSync(join(ROOT, path), 'utf8'));
}

/** The Markdown files below a folder. */
export function markdownBelow(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.md')).map((file) => join(folder, file));
}

/** The values that a file of re-exports gives, without types; `export *` is followed. */
export function valuesExportedBy(path: string): string[] {
  const source = readFileSync(join(ROOT, path), 'utf8');
  const lists = [...source.matchAll(/^export \{([^}]*)\}/gm)].map(([, names]) => names!);
  const own = lists
    .flatMap((names) => names.split(',').map((name) => name.trim()))
    .filter((name) => /^\w+$/.test(name));
  const others = [...source.matchAll(/^export \* from '(.*)\.js'/gm)].map(([, file]) => `${file}.ts`);
  return [...own, ...others.flatMap((file) => valuesExportedBy(join(dirname(path), file)))];
}

/** The ```ts blocks of the docstrings below a folder. */
export function blocksOfDocstrings(folder: string): CodeBlock[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const source = readFileSync(join(ROOT, folder, file), 'utf8');
      const docstrings = [...source.matchAll(/\/\*\*[\s\S]*?\*\//g)].map(([text]) => text.replace(/^ *\* ?/gm, ''));
      return blocksOf(relative(ROOT, join(ROOT, folder, file)), docstrings.join('\n'));
    });
}

function blocksOf(path: string, text: string): CodeBlock[] {
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code!);
  return blocks.map((code, i) => ({ name: blocks.length > 1 ? `${path}, block ${i + 1}` : path, code }));
}

export interface BlockResult {
  status: number | null;
  output: string;
}

/**
 * Runs a block as a module in a Node process of its own, against the built package. The claim in a line's comment is
 * checked: `f(x); // [0.02, 0.26]` (to the digits printed), `// shape [1, 2]`, `// = g(y)`, and `// throws: message`.
 */
export function runBlock(code: string, prelude = ''): BlockResult {
  return runModule(`${prelude}\n${CHECK}\n${checked(code)}`);
}

/**
 * Runs many blocks that share a prelude in one process, each as a function that starts from the same settings. Returns
 * the names of those that ran to their end. Blocks for tfjs-node are left out, because it replaces the cpu backend.
 */
export function blocksThatRun(blocks: readonly CodeBlock[], prelude: string): Set<string> {
  const bodies = blocks
    .filter(({ code }) => !/tfjs-node|softseg\/node|^export /m.test(code))
    .map(
      ({ name, code }) => `
try { await (async () => { ${RESET}
${withDynamicImports(checked(code))}
})(); passed.push(${JSON.stringify(name)}); } catch {}`,
    );
  const { output } = runModule(
    `${prelude}\n${CHECK}\nconst passed = [];${bodies.join('')}\nconsole.log('\\n' + JSON.stringify(passed));`,
  );
  const last = output.trim().split('\n').pop() ?? '';
  return new Set(last.startsWith('[') ? (JSON.parse(last) as string[]) : []);
}

/** Restores the settings that a block may have changed. */
const RESET = `{
  const [tf, softseg] = await Promise.all([import('@tensorflow/tfjs'), import('softseg')]);
  await tf.setBackend('cpu');
  softseg.useKernels('auto');
  softseg.checkValues('first');
}`;

/** The imports of a module as they can stand in a function. */
const withDynamicImports = (code: string) =>
  code
    .replace(/^import \{([^}]*)\} from ('[^']*');/gm, (_, names: string, from: string) => {
      const values = names.split(',').filter((name) => !/^\s*type /.test(name));
      return `const {${values.join(',').replaceAll(' as ', ': ')}} = await import(${from});`;
    })
    .replace(/^import \* as (\w+) from ('[^']*');/gm, 'const $1 = await import($2);')
    .replace(/^import ('[^']*');/gm, 'await import($1);');

const checked = (code: string) => code.split('\n').map(withCheck).join('\n');

function runModule(typescript: string): BlockResult {
  const { code } = transformSync(typescript, {
    presets: ['@babel/preset-typescript'],
    filename: 'block.ts',
    configFile: false,
    sourceType: 'module',
  })!;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module'], {
    cwd: ROOT,
    input: code!,
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { status, output: stderr + stdout };
}

function withCheck(line: string): string {
  const [, statement, claim] = /^(\S.*;)\s*\/\/ (.*)$/.exec(line) ?? [];
  if (!statement || !claim || !/^(-?[\d[]|shape |= |throws: )/.test(claim)) return line;
  const variable = /^const (\w+) = /.exec(statement)?.[1];
  if (variable) return `${statement} await check(() => ${variable}, ${JSON.stringify(claim)});`;
  const expected = claim.startsWith('= ') ? `, () => ${claim.slice(2)}` : '';
  return `await check(() => ${statement.slice(0, -1)}, ${JSON.stringify(claim)}${expected});`;
}

const CHECK = `
async function check(run, claim, other) {
  const plain = async (value) => (value?.array ? value.array() : value);
  const differ = (value) => { throw new Error('the docs say ' + claim + ', but it is ' + JSON.stringify(value)); };
  if (claim.startsWith('throws: ')) {
    let message = null;
    try { run(); } catch (error) { message = error.message; }
    if (!message?.includes(claim.slice(8))) differ(message);
    return;
  }
  const tensor = await run();
  const shape = /^shape (\\[[^\\]]*\\])/.exec(claim)?.[1];
  if (shape) return JSON.stringify(tensor.shape) === shape.replaceAll(' ', '') || differ(tensor.shape);
  const value = [await plain(tensor)].flat(9);
  const expected = other ? [await plain(await other())].flat(9) : JSON.parse('[' + claim + ']').flat(9);
  const digits = other ? 6 : Math.max(0, ...(claim.match(/\\.\\d+/g) ?? []).map((part) => part.length - 1));
  const close =
    value.length === expected.length && value.every((v, i) => Math.abs(v - expected[i]) <= 0.51 * 10 ** -digits);
  if (!close) differ(value);
}`;
