/** Labelled form controls. Each has its element and a way to set it without telling its listener. */
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
  /** What is shown, and read out, for a value. */
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
  /** Say the label to screen readers only. */
  quiet?: boolean;
}

/** A few values side by side, as radio buttons. */
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

/** One of many values, as a list that opens. */
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

/** What folds away where there is little room. */
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
