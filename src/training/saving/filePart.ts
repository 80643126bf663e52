import { entriesOf, fail, show } from '../../checks.js';
import { visibleLine } from '../../visibleText.js';
import { checkJson, isInherited } from './json.js';

/** The largest length of a name. */
const LONGEST_NAME = 1000;
/** The largest length of a value or a place in an error message. */
const LONGEST_SHOWN = 200;

/** A value in an untrusted file, and its place there. Its methods check the value and throw if it does not fit. */
export class FilePart {
  /**
   * @param prefix the beginning of error messages, before the place and the rule
   */
  constructor(
    private readonly prefix: string,
    readonly where: string,
    readonly value: unknown,
  ) {}

  refuse(rule: string): never {
    const [where, got] = [visibleLine(this.where), show(this.value)].map((text) =>
      text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text,
    );
    fail(`${this.prefix}${where} ${rule}, got ${got}`);
  }

  get isGiven(): boolean {
    return this.value !== undefined;
  }

  list(): FilePart[] {
    const items = entriesOf(this.value) ?? this.refuse('must be a list');
    return items.map((item, i) => this.inside(`[${i}]`, item));
  }

  /**
   * The entries of an object, by name. Names that every object inherits (`__proto__`, for instance) are refused,
   * because an entry with such a name could change the object itself.
   */
  entries(): Map<string, FilePart> {
    const { value } = this;
    if (typeof value !== 'object' || value === null || entriesOf(value)) this.refuse('must be an object');
    const entries = Object.entries(value).map(([name, entry]) => {
      if (isInherited(name)) this.refuse(`must not have the key ${name}`);
      return [name, this.inside(`.${name}`, entry)] as const;
    });
    return new Map(entries);
  }

  /** A field of an object; its value is `undefined` if the object lacks it. */
  field(name: string): FilePart {
    return this.entries().get(name) ?? this.inside(`.${name}`, undefined);
  }

  /** The fields of an object that may have no other fields. */
  fields<N extends string>(names: readonly N[]): Record<N, FilePart> {
    const entries = this.entries();
    const other = [...entries.keys()].find((name) => !(names as readonly string[]).includes(name));
    if (other !== undefined) this.refuse(`must have only the fields ${names.join(', ')}`);
    const fields = names.map((name) => [name, this.field(name)]);
    return Object.fromEntries(fields) as Record<N, FilePart>;
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.refuse('must be a string');
  }

  /** A string that is safe to look up in an object. */
  name(): string {
    const name = this.string();
    if (name === '' || name.length > LONGEST_NAME) this.refuse(`must be a name of 1 to ${LONGEST_NAME} characters`);
    if (isInherited(name)) this.refuse('must not be a name that every object has');
    return name;
  }

  finite(): number {
    return Number.isFinite(this.value) ? (this.value as number) : this.refuse('must be a finite number');
  }

  integer(least: number, most: number): number {
    const { value } = this;
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
    return this.refuse(`must be an integer from ${least} to ${most}`);
  }

  /** Checks that JSON can hold the value. */
  json(): void {
    checkJson(this.prefix + visibleLine(this.where), this.value);
  }

  inside(where: string, value: unknown): FilePart {
    return new FilePart(this.prefix, this.where + where, value);
  }
}
