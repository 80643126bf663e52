/** Labelled form controls. Each has its element, and a method that sets its value without calling its listener. */
import { h, newId } from './dom.js';

export interface Control<T> {
  element: HTMLElement;
  set(value: T): void;
}

export interface SliderOptions {
  label: string;
  min: number;
  max: number;
  step: number;
  value: number;
  /** The text for a value, shown on the page and read by screen readers. */
  format?: (value: number) => string;
  onInput(value: number): void;
}

export function slider({ label, min, max, step, value, format = String, onInput }: SliderOptions): Control<number> {
  const id = newId('slider');
  const input = h('input', { type: 'range', id, min, max, step, value });
  const output = h('output', { for: id });
  const show = () => {
    const text = format(input.valueAsNumber);
    output.textContent = text;
    input.setAttribute('aria-valuetext', text);
    input.style.setProperty('--share', String((input.valueAsNumber - min) / (max - min)));
  };
  input.addEventListener('input', () => {
    show();
    onInput(input.valueAsNumber);
  });
  show();
  return {
    element: h('div', { class: 'slider' }, h('label', { for: id }, label), output, input),
    set(next) {
      input.value = String(next);
      show();
    },
  };
}

export interface ChoiceOptions<T extends string> {
  label: string;
  options: readonly { value: T; label: string }[];
  value: T;
  onChange(value: T): void;
  /** If true, only screen readers get the label. */
  quiet?: boolean;
}

/** A choice of a few values, as a row of radio buttons. */
export function choice<T extends string>({ label, options, value, onChange, quiet }: ChoiceOptions<T>): Control<T> {
  const name = newId('choice');
  const inputs = options.map((option) => h('input', { type: 'radio', name, value: option.value }));
  const set = (next: T) => {
    for (const input of inputs) input.checked = input.value === next;
  };
  set(value);
  const element = h(
    'fieldset',
    { class: 'choice' },
    h('legend', quiet ? { class: 'unseen' } : {}, label),
    h(
      'div',
      { class: 'segments' },
      ...options.map((option, i) => h('label', {}, inputs[i]!, h('span', {}, option.label))),
    ),
  );
  element.addEventListener('change', (event) => onChange((event.target as HTMLInputElement).value as T));
  return { element, set };
}

/** A choice of many values, as a drop-down list. */
export function picker<T extends string>({ label, options, value, onChange }: ChoiceOptions<T>): Control<T> {
  const id = newId('picker');
  const select = h('select', { id }, ...options.map((o) => h('option', { value: o.value }, o.label)));
  select.value = value;
  select.addEventListener('change', () => onChange(select.value as T));
  return {
    element: h('div', { class: 'picker' }, h('label', { for: id }, label), select),
    set(next) {
      select.value = next;
    },
  };
}

export function checkbox(label: string, value: boolean, onChange: (value: boolean) => void): Control<boolean> {
  const input = h('input', { type: 'checkbox' });
  input.checked = value;
  input.addEventListener('change', () => onChange(input.checked));
  return {
    element: h('label', { class: 'checkbox' }, input, h('span', {}, label)),
    set(next) {
      input.checked = next;
    },
  };
}

/** A section that is folded at first if the window is narrow. */
export function fold(title: string, ...children: HTMLElement[]): HTMLElement {
  const roomy = matchMedia('(min-width: 901px)').matches;
  return h(
    'details',
    { class: 'fold', open: roomy },
    h('summary', {}, title),
    h('div', { class: 'options' }, ...children),
  );
}

export function button(label: string, onClick: () => void, kind: 'plain' | 'accent' = 'plain'): HTMLButtonElement {
  const element = h('button', { type: 'button', class: kind }, label);
  element.addEventListener('click', onClick);
  return element;
}
