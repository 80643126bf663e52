// The table of losses in docs/losses/README.md, and the table of options in the page of each loss. Needs the built
// package (npm run build).
//
// The name of a loss, its options and where it is smallest come from its description. Only words can say the rest: the
// page of each loss has them as a list of `- **Key:** text`, with the keys of WORDS below.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as softseg from 'softseg';
import { withGeneratedPart } from './generatedPart.js';
import { pageTable } from './table.js';
import { writeWhole } from './writeWhole.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDER = join(ROOT, 'docs/losses');

/** The keys of the list in each page; a page may leave out those that are optional. */
const WORDS = {
  'On soft labels': { optional: true },
  'Absent class': {},
  'Class imbalance': {},
  Cost: {},
  Paper: { optional: true },
};
/** Options shared by several losses that can move the place where a loss is smallest. */
const SHARED_THAT_MATTER = ['overlap'];
/** Values other than the default, for options whose rules do not give one. */
const SAMPLES = { posWeight: 2 };

const code = (text) => `\`${text}\``;
const written = (value) => (typeof value === 'string' ? `'${value}'` : String(value));

/** The losses in the order of src/losses/index.ts, then those that are made from other losses. */
function lossNames() {
  const list = readFileSync(join(ROOT, 'dist/losses/index.js'), 'utf8');
  const names = [...list.matchAll(/^export \{ (\w+) \}/gm)].map(([, name]) => name);
  const others = Object.keys(softseg).filter((name) => softseg[name].description && !names.includes(name));
  return [...names, ...others, 'deepSupervisionLoss'];
}

/** The texts of the list in a page, by key. */
function wordsIn(page, text) {
  const items = text.matchAll(/^- \*\*([^*]+):\*\* ([\s\S]+?)(?=\n- \*\*|\n\n)/gm);
  const words = Object.fromEntries([...items].map(([, key, value]) => [key, value.replaceAll(/\s+/g, ' ')]));
  const unknown = Object.keys(words).filter((key) => !(key in WORDS));
  const missing = Object.keys(WORDS).filter((key) => !WORDS[key].optional && !(key in words));
  if (unknown.length > 0) throw new Error(`${page}: unknown key ${unknown.join(', ')}`);
  if (missing.length > 0) throw new Error(`${page} lacks ${missing.map((key) => `"- **${key}:** ..."`).join(', ')}`);
  return words;
}

// ------------------------------------------------------------------------------------------------ smallest at p = t

/** The table's answer: is a loss smallest at p = t, and with which options is the answer the opposite? */
function smallest({ options: rules, own, lowestAtLabels }) {
  const usual = lowestAtLabels({});
  const variants = [...own, ...SHARED_THAT_MATTER]
    .filter((name) => name in rules)
    .flatMap((name) => valuesOf(name, rules[name]).map((value) => [name, value]));
  const differs = (...options) => lowestAtLabels(Object.fromEntries(options)) !== usual;
  const exceptions = variants
    .filter((variant) => differs(variant))
    .map((variant) => {
      const mended = variants.filter((other) => other[0] !== variant[0] && !differs(variant, other));
      const [name] = variant;
      const { kind, least, most } = rules[name];
      const always = kind === 'number' && differs([name, least + (most - least) / 3]);
      return (
        (always ? code(name) : shown(variant)) +
        (mended.length > 0 ? ` (unless ${mended.map(shown).join(' or ')})` : '')
      );
    });
  return (usual ? 'yes' : 'no') + (exceptions.length > 0 ? `, except with ${exceptions.join(' or ')}` : '');
}

/** Values to try for an option, without its default. */
function valuesOf(name, rule) {
  const bounds = rule.kind === 'number' ? [!rule.open && rule.least, rule.open !== 'both' && rule.most] : [];
  const all = { flag: [true, false], choice: rule.values, number: bounds, other: [SAMPLES[name]] }[rule.kind];
  return all.filter((value) => value !== undefined && value !== rule.default && (value || rule.kind === 'flag'));
}

const shown = ([name, value]) => code(name in SAMPLES ? name : `${name}: ${written(value)}`);

// ---------------------------------------------------------------------------------------------------------- options

function optionsPart(description) {
  const { options: rules, own } = description;
  const shared = Object.keys(rules).filter((name) => !own.includes(name));
  const rows = own.map((name) => [code(name), valuesIn(rules[name]), defaultIn(rules[name])]);
  const others = own.includes('terms') ? 'those of its terms' : wrapped(shared.map(code));
  return [
    `Smallest at p = t on soft labels: ${smallest(description)}.`,
    rows.length > 0 ? pageTable(['option of its own', 'values', 'default'], rows) : 'It has no options of its own.',
    `Options that it shares with other losses: ${others}.`,
  ].join('\n\n');
}

function valuesIn({ kind, values, least, most, open, integer }) {
  if (kind === 'flag') return '`true`, `false`';
  if (kind === 'choice') return values.map((value) => code(written(value))).join(', ');
  if (kind === 'other') return 'see [definitions](../definitions.md)';
  if (most === undefined) return `${integer ? 'an integer' : 'a number'} ${open ? 'above' : 'of at least'} ${least}`;
  return `a number in ${open ? '(' : '['}${least}, ${most}${open === 'both' ? ')' : ']'}`;
}

function defaultIn({ kind, default: value }) {
  if (value !== undefined) return code(written(value));
  if (kind === 'other') return '';
  return kind === 'choice' ? 'depends on the activation' : 'none';
}

/** A list, broken into two lines where one line would be too long. */
function wrapped(items) {
  const half = Math.ceil(items.length / 2);
  const parts = items.join(', ').length < 75 ? [items] : [items.slice(0, half), items.slice(half)];
  return parts.map((part) => part.join(', ')).join(',\n');
}

// ------------------------------------------------------------------------------------------------------- the pages

/** Writes the tables; with `check` it writes nothing, and fails the process unless the pages have these tables. */
export function writeLossTables({ check }) {
  const names = lossNames();
  const stray = readdirSync(FOLDER).filter((file) => /Loss\.md$/.test(file) && !names.includes(file.slice(0, -3)));
  if (stray.length > 0) throw new Error(`docs/losses: ${stray.join(', ')}: no loss has that name`);

  const wrong = [];
  const update = (page, text, content) => {
    const wanted = withGeneratedPart(page, text, content);
    if (wanted === text) return;
    if (check) wrong.push(page);
    else writeWhole(join(FOLDER, page), wanted);
  };
  const rows = names.map((name) => {
    const page = `${name}.md`;
    const text = readFileSync(join(FOLDER, page), 'utf8');
    const words = wordsIn(page, text);
    const { description } = softseg[name];
    if (description) update(page, text, optionsPart(description));
    const proper = [description && smallest(description), words['On soft labels']].filter(Boolean).join('; ');
    const { 'Absent class': absent, 'Class imbalance': imbalance, Cost: cost, Paper: paper = '' } = words;
    return [`[${name}](${page})`, proper, absent, imbalance, cost, paper];
  });
  const head = ['loss', 'smallest at p = t', 'a class absent from an image', 'class imbalance', 'cost', 'paper'];
  update('README.md', readFileSync(join(FOLDER, 'README.md'), 'utf8'), pageTable(head, rows));

  if (wrong.length > 0) {
    console.error(`docs/losses: ${wrong.join(', ')}: the tables are not what npm run pictures writes`);
    process.exitCode = 1;
  } else if (!check) console.log('the tables in docs/losses');
}
