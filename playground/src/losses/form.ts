/** A form for the options of a loss. */
import { checkbox, choice, picker, slider } from '../ui/controls.js';
import { h } from '../ui/dom.js';
import { CATALOGUE, type Activation, type Option, type Spec } from './catalogue.js';

const ACTIVATION_LABELS: Partial<Record<Activation, string>> = { none: 'none: predictions are probabilities' };
const CLASS_LABELS: Partial<Record<Activation, string>> = { sigmoid: 'one', softmax: 'two: background and structure' };

export interface OptionsForm {
  element: HTMLElement;
  /** Shows the options of another loss. The form changes its settings in place. */
  show(spec: Spec): void;
}

export interface FormOptions {
  /** The activations offered, as far as the loss takes them. */
  activations: readonly Activation[];
  /** True if the number of classes cannot be changed. */
  fixedClasses?: boolean;
  onChange(): void;
}

export function optionsForm({ activations, fixedClasses, onChange }: FormOptions): OptionsForm {
  const element = h('div', { class: 'options' });
  return {
    element,
    show(spec) {
      const { options } = CATALOGUE[spec.name];
      const rows = options.map((option) => ({ option, element: optionControl(option, spec, changed) }));
      const showRows = () => {
        for (const { option, element: row } of rows) row.hidden = option.when ? !option.when(spec.settings) : false;
      };
      function changed() {
        showRows();
        onChange();
      }
      showRows();
      element.replaceChildren(activationControl(spec, changed), ...rows.map((row) => row.element));
    },
  };

  function activationControl({ name, settings }: Spec, changed: () => void): HTMLElement {
    const entry = CATALOGUE[name];
    const labels = entry.classesOnly ? CLASS_LABELS : ACTIVATION_LABELS;
    const offered = activations.filter((activation) => entry.activations.includes(activation));
    const control = picker({
      label: entry.classesOnly ? 'number of classes' : 'activation',
      options: offered.map((value) => ({ value, label: labels[value] ?? value })),
      value: settings['activation'] as Activation,
      onChange(value) {
        settings['activation'] = value;
        changed();
      },
    });
    control.element.hidden = offered.length < 2 || Boolean(entry.classesOnly && fixedClasses);
    return control.element;
  }
}

function optionControl(option: Option, { settings }: Spec, changed: () => void): HTMLElement {
  const { name, label = name } = option;
  const set = (value: string | number | boolean) => {
    settings[name] = value;
    changed();
  };
  if (option.kind === 'flag') return checkbox(label, Boolean(settings[name]), set).element;
  if (option.kind === 'number') {
    const { min, max, step } = option;
    return slider({ label, min, max, step, value: Number(settings[name]), format: String, onInput: set }).element;
  }
  const options = option.values.map((value) => ({ value, label: value }));
  return (options.length > 3 ? picker : choice)({ label, options, value: String(settings[name]), onChange: set })
    .element;
}
