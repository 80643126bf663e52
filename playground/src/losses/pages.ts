/** The order of the losses, and when to use each, from the pages in docs/losses. */
import { CATALOGUE, LOSSES, type LossName } from './catalogue.js';

const TEXTS = import.meta.glob<string>('../../../docs/losses/*.md', { query: '?raw', import: 'default', eager: true });

const textOf = (page: string) => TEXTS[`../../../docs/losses/${page}.md`] ?? '';

/** All losses: comboLoss, which is the one to start with, then the others in the order of the table in docs. */
export const ORDERED: readonly LossName[] = ordered();

function ordered(): LossName[] {
  const table = textOf('README');
  const place = (name: LossName) => {
    const found = table.indexOf(`| [${name}](`);
    return name === 'comboLoss' ? -1 : found < 0 ? table.length : found;
  };
  return LOSSES.toSorted((a, b) => place(a) - place(b));
}

/** When to use a loss: a sentence from its page in docs, and the note for this page. */
export function aboutOf(name: LossName): string {
  const [, use = ''] = /^\*\*(Use it\*\* [\s\S]*?\.)(?=\s+[A-Z`]|\n\n)/m.exec(textOf(name)) ?? [];
  const plain = use
    .replaceAll(/[*`]/g, '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/\s+/g, ' ');
  return [plain, CATALOGUE[name].note].filter(Boolean).join(' ');
}
