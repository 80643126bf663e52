/** Users can name every type that a function takes or returns: its entry exports the type, or softseg does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { entries } from '../support/entries.js';

const ROOT = join(__dirname, '../..');

/** The declarations as users get them, with inferred types written out. */
const declarations = (source: string) => join(ROOT, source.replace('src/', 'dist/').replace(/\.ts$/, '.d.ts'));

/** The exports of entries, and the types in their signatures. */
class Signatures {
  private readonly program: ts.Program;
  private readonly checker: ts.TypeChecker;

  constructor(
    files: readonly string[],
    private readonly folder: string,
  ) {
    const { NodeNext } = ts.ModuleKind;
    this.program = ts.createProgram(files, { module: NodeNext, target: ts.ScriptTarget.ES2022, skipLibCheck: true });
    this.checker = this.program.getTypeChecker();
  }

  exportsOf(file: string): ts.Symbol[] {
    const source = this.program.getSourceFile(file);
    if (!source) throw new Error(`there is no ${file}: run \`npm run build\``);
    const module = this.checker.getSymbolAtLocation(source);
    return module ? this.checker.getExportsOfModule(module).map((symbol) => this.resolved(symbol)) : [];
  }

  /** The types of this package in an export's signature that cannot be imported. */
  missing(exported: ts.Symbol, importable: ReadonlySet<ts.Symbol>): string[] {
    const found = new Set<string>();
    const seen = new Set<ts.Symbol>([exported]);
    const visit = (node: ts.Node, inPlace: boolean): void => {
      if (ts.canHaveModifiers(node) && node.modifiers?.some(isHidden)) return;
      const symbol = this.typeNamedBy(node);
      if (symbol && !importable.has(symbol)) {
        if (!inPlace) found.add(symbol.name);
        else if (!seen.has(symbol)) {
          seen.add(symbol);
          symbol.declarations?.forEach((declaration) => visit(declaration, false));
        }
      }
      ts.forEachChild(node, (child) => visit(child, isPart(child, node, inPlace)));
    };
    exported.declarations?.forEach((declaration) => visit(declaration, false));
    return [...found];
  }

  private typeNamedBy(node: ts.Node): ts.Symbol | undefined {
    const name = nameIn(node);
    const symbol = name && this.checker.getSymbolAtLocation(name);
    if (!symbol) return undefined;
    const resolved = this.resolved(symbol);
    const declaration = resolved.declarations?.[0];
    if (!declaration || ts.isTypeParameterDeclaration(declaration)) return undefined;
    return declaration.getSourceFile().fileName.startsWith(this.folder) ? resolved : undefined;
  }

  private resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }
}

const isHidden = ({ kind }: ts.ModifierLike) =>
  kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword;

function nameIn(node: ts.Node): ts.Node | undefined {
  if (ts.isTypeReferenceNode(node)) return node.typeName;
  if (ts.isExpressionWithTypeArguments(node)) return node.expression;
  return ts.isImportTypeNode(node) ? node.qualifier : undefined;
}

const WITH_OTHER_PROPERTIES = /^(Omit|Partial|Pick|Readonly|Required)$/;

/**
 * Types that another type is made of (by `extends`, `|` or `&`, or through `Omit` and the like) need no name of their
 * own: their content is checked instead.
 */
function isPart(node: ts.Node, parent: ts.Node, inPlace: boolean): boolean {
  if (ts.isHeritageClause(parent)) return true;
  if (ts.isTypeAliasDeclaration(parent)) return node === parent.type;
  if (!inPlace) return false;
  const name = nameIn(parent)?.getText() ?? '';
  return ts.isUnionTypeNode(parent) || ts.isIntersectionTypeNode(parent) || WITH_OTHER_PROPERTIES.test(name);
}

let signatures: Signatures;

function faultsOf(signatures: Signatures, exported: ts.Symbol[], elsewhere: ts.Symbol[]): string[] {
  const importable = new Set([...exported, ...elsewhere]);
  return exported.flatMap((each) => signatures.missing(each, importable).map((type) => `${each.name}: ${type}`));
}

describe.each(entries())('%s', (_, source) => {
  beforeAll(() => {
    signatures ??= new Signatures(
      entries().map(([, file]) => declarations(file)),
      join(ROOT, 'dist'),
    );
  });

  test('exports every type in the signatures of its functions, unless softseg does', () => {
    const exported = signatures.exportsOf(declarations(source));
    expect(exported.length).toBeGreaterThan(5);
    expect(faultsOf(signatures, exported, signatures.exportsOf(declarations('src/index.ts')))).toEqual([]);
  });
});

test('a type that cannot be imported is found, also inside another type', () => {
  const folder = mkdtempSync(join(tmpdir(), 'softseg-signatures-'));
  try {
    writeFileSync(
      join(folder, 'parts.d.ts'),
      `export type Hidden = 'a' | 'b';
export interface Inner { read(): Hidden }
export interface Base { inner?: Inner }
export type Part = { outer: Hidden };`,
    );
    const entry = join(folder, 'entry.d.ts');
    writeFileSync(
      entry,
      `import type { Base, Hidden, Inner, Part } from './parts.js';
export type { Inner } from './parts.js';
export declare function takes(given: Hidden): void;
export declare function gives(): import('./parts.js').Part[];
export declare function known(inner: Inner): void;
export interface Options extends Omit<Base, 'other'> { values: Record<string, Base> }
export type Choice = Part | 'none';
export declare class Counter { private hidden; protected part: Part; read(): number }`,
    );
    const signatures = new Signatures([entry], folder);
    const exported = signatures.exportsOf(entry);
    expect(faultsOf(signatures, exported, exported)).toEqual([
      'takes: Hidden',
      'gives: Part',
      'Inner: Hidden',
      'Options: Base',
      'Choice: Hidden',
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
