import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { homeOf, installCommand, isOutdated, libraryOf, type Home, type Named } from './binding.js';
import { messageOf } from '../system/errors.js';
import { cachedOp } from './op.js';
import { damageIn, damageOfSmallFile, type Inspection } from './seal.js';
import { whyNotTrusted } from './trust.js';

/** A folder of the cache with files that are loaded from it: a library, the binding or the op. */
export interface CachedPiece {
  /** Name of the package that loads it. */
  of: string;
  /** Name of the piece in messages. */
  name: string;
  folder: string;
  /** The files that are loaded from the folder; if the list is empty, all of them. */
  files: readonly string[];
}

/** The pieces that a package loads: its binding and the libraries that this needs, in the order of checking. */
export function piecesOf({ of, cache, library, binding }: Home): CachedPiece[] {
  const root = join(cache, library.key);
  const cuda = library.cuda.map(({ folder }) => ({
    of,
    name: `NVIDIA's ${folder}`,
    folder: join(root, 'nvidia', folder),
    files: [], // any file may be loaded
  }));
  return [
    { of, name: "TensorFlow's library", folder: root, files: library.files },
    ...cuda.filter(({ folder }) => existsSync(folder)),
    { of, name: `the binding of ${of}`, folder: dirname(binding), files: [basename(binding)] },
  ];
}

/** softseg's op, alone in its folder. */
export interface OpPiece extends CachedPiece {
  path: string;
}

/** softseg's op for a package's binding; undefined if it is not in the cache. */
export function opOf({ of, cache, library }: Home): OpPiece | undefined {
  const path = cachedOp(cache, library);
  if (!existsSync(path)) return undefined;
  return { of, name: "softseg's op", folder: dirname(path), files: [basename(path)], path };
}

/** A reason not to load something. */
export interface Fault {
  /** The reason in words. */
  why: string;
  /** The command that repairs it, if one does. */
  command?: string;
}

/** A message with the fault and its remedy. */
export const faultMessage = ({ why, command }: Fault): string =>
  command ? `${why}; run \`${command}\` to make it again` : why;

/** The fault of a piece, undefined if it has none: others can write to it, or it is not as it was installed. */
export async function faultOf(piece: CachedPiece, inspection: Inspection = {}): Promise<Fault | undefined> {
  const distrust = distrustOf(piece);
  if (distrust !== undefined) return distrust;
  const files = inspection.full || piece.files.length === 0 ? undefined : piece.files;
  try {
    return damageFault(piece, await damageIn(piece.folder, { ...inspection, files }));
  } catch (error) {
    return unreadable(piece, error);
  }
}

/** The fault of softseg's op, which is small, determined synchronously. */
export function faultOfOp(op: OpPiece): Fault | undefined {
  const distrust = distrustOf(op);
  if (distrust !== undefined) return distrust;
  try {
    return damageFault(op, damageOfSmallFile(op.folder, basename(op.path)));
  } catch (error) {
    return unreadable(op, error);
  }
}

/** The fault that other users can write to the piece; undefined if they cannot. */
function distrustOf({ folder, files: named }: CachedPiece): Fault | undefined {
  try {
    const files = named.length > 0 ? named : readdirSync(folder, { recursive: true }).map(String);
    const paths = [folder, ...files.map((file) => join(folder, file))];
    for (const path of paths) {
      if (path !== folder && !statSync(path).isFile()) continue; // that is reported as damage
      const why = whyNotTrusted(path);
      if (why !== undefined) return { why };
    }
  } catch {
    // A file is missing, or cannot be reached; that is reported as damage.
  }
  return undefined;
}

const damageFault = ({ of }: CachedPiece, why: string | undefined): Fault | undefined =>
  why === undefined ? undefined : { why, command: installCommand(of) };

function unreadable({ of, name }: CachedPiece, error: unknown): Fault {
  const mayNotRead = (error as NodeJS.ErrnoException).code === 'EACCES';
  const cure = mayNotRead ? `; \`${installCommand(of)}\`, run by its owner, makes it readable` : '';
  return { why: `${name} cannot be read: ${messageOf(error)}${cure}` };
}

/** The fault of a package's binding or of a library that it needs; undefined if there is none. */
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
