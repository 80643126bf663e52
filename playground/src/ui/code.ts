/** A box of TypeScript code, with a button that copies it. */
import { button } from './controls.js';
import { h } from './dom.js';

const TOKENS = /('[^']*')|(\/\/.*)|\b(import|from|const|await|return)\b|\b(\d+(?:\.\d+)?(?:e-?\d+)?)\b/g;
const CLASSES = ['string', 'comment', 'keyword', 'number'];

function coloured(code: string): (Node | string)[] {
  const pieces: (Node | string)[] = [];
  let end = 0;
  for (const match of code.matchAll(TOKENS)) {
    pieces.push(code.slice(end, match.index));
    const kind = CLASSES[match.slice(1).findIndex((group) => group !== undefined)]!;
    pieces.push(h('span', { class: kind }, match[0]));
    end = match.index + match[0].length;
  }
  return [...pieces, code.slice(end)];
}

export interface CodeBox {
  element: HTMLElement;
  set(code: string): void;
}

export function codeBox(title: string): CodeBox {
  let code = '';
  const text = h('code');
  const said = h('span', { class: 'said', role: 'status' });
  const copy = button('Copy', () => {
    navigator.clipboard.writeText(code).then(
      () => say('Copied'),
      () => say('The browser does not allow it: select the code and copy it by hand'),
    );
  });
  const say = (what: string) => {
    said.textContent = what;
    setTimeout(() => (said.textContent = ''), 3000);
  };
  return {
    element: h(
      'div',
      { class: 'card code' },
      h('div', { class: 'head' }, h('h2', {}, title), said, copy),
      h('pre', { tabindex: 0, 'aria-label': title, role: 'region' }, text),
    ),
    set(next) {
      if (next === code) return;
      code = next;
      text.replaceChildren(...coloured(next));
    },
  };
}
