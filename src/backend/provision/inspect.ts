import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { homeOf, installCommand, isOutdated, libraryOf, type Home, type Named } from './binding.js';
import { messageOf } from '../system/errors.js';
import { cachedOp } from './op.js';
import { damageIn, damageOfSmallFile, type Inspection } from './seal.js';
import { whyNotTrusted } from './trust.js';

/** One of the things that are loaded from the cache. */
export interface CachedPart {
  /** The package that loads it. */
  of: string;
  /** For people. */
  name: string;
  folder: string;
  /** Which of its files are loaded; none named: all. */
  files: readonly string[];
}

/** The pieces that a package loads with its binding. */
export function piecesOf({ of, cache, library, binding }: Home): CachedPart[] {
  const root = join(cache, library.key);
  const cuda = library.cuda.map(({ folder }) => ({
    of,
    name: `NVIDIA's ${folder}`,
    folder: join(root, 'nvidia', folder),
    files: [], // any of them may be loaded
  }));
  return [
    { of, name: "TensorFlow's library", folder: root, files: library.files },
    ...cuda.filter(({ folder }) => existsSync(folder)),
    { of, name: `the binding of ${of}`, folder: dirname(binding), files: [basename(binding)] },
  ];
}

/** softseg's op, alone in its folder. */
export interface OpPiece extends CachedPart {
  path: string;
}

/** softseg's op that goes with a package's binding; undefined if it is not there. */
export function opOf({ of, cache, library }: Home): OpPiece | undefined {
  const path = cachedOp(cache, library);
  if (!existsSync(path)) return undefined;
  return { of, name: "softseg's op", folder: dirname(path), files: [basename(path)], path };
}

/** Why something must not be loaded, in words; with `command`, an installation makes it good. */
export interface Fault {
  why: string;
  command?: string;
}

/** The fault with what to do about it. */
export const tell = ({ why, command }: Fault): string =>
  command ? `${why}; run \`${command}\` to make it again` : why;

/** The fault of a piece: others can write to it, or it is not as it was installed. Undefined if it has none. */
export async function faultOf(piece: CachedPart, inspection: Inspection = {}): Promise<Fault | undefined> {
  const distrust = distrustOf(piece);
  if (distrust !== undefined) return distrust;
  const files = inspection.full || piece.files.length === 0 ? undefined : piece.files;
  try {
    return damageFault(piece, await damageIn(piece.folder, { ...inspection, files }));
  } catch (error) {
    return unreadable(piece, error);
  }
}

/** The same of softseg's op, which is small, at once. */
export function faultOfOp(op: OpPiece): Fault | undefined {
  const distrust = distrustOf(op);
  if (distrust !== undefined) return distrust;
  try {
    return damageFault(op, damageOfSmallFile(op.folder, basename(op.path)));
  } catch (error) {
    return unreadable(op, error);
  }
}

/** Others can write to the piece. */
function distrustOf({ folder, files: named }: CachedPart): Fault | undefined {
  try {
    const files = named.length > 0 ? named : readdirSync(folder, { recursive: true }).map(String);
    const paths = [folder, ...files.map((file) => join(folder, file))];
    for (const path of paths) {
      if (path !== folder && !statSync(path).isFile()) continue; // that is told as damage
      const why = whyNotTrusted(path);
      if (why !== undefined) return { why };
    }
  } catch {
    // A file is missing, or cannot be reached; that is told as damage.
  }
  return undefined;
}

const damageFault = ({ of }: CachedPart, why: string | undefined): Fault | undefined =>
  why === undefined ? undefined : { why, command: installCommand(of) };

function unreadable({ of, name }: CachedPart, error: unknown): Fault {
  const rights = (error as NodeJS.ErrnoException).code === 'EACCES';
  const cure = rights ? `; \`${installCommand(of)}\`, run by its owner, lets everybody read it` : '';
  return { why: `${name} cannot be looked at: ${messageOf(error)}${cure}` };
}

/** The fault of a package's binding or of what it needs; undefined if there is none. */
export async function faultOfBinding(found: Named, library = libraryOf(found.name)): Promise<Fault | undefined> {
  if (isOutdated(found, library)) {
    const why = `the binding of ${found.name} was made by another version of softseg`;
    return { why, command: installCommand(found.name) };
  }
  const home = homeOf(found, library);
  if (!home) return undefined; // not from the cache
  for (const piece of piecesOf(home)) {
    const fault = await faultOf(piece);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
