import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Only this file and nativePasses.ts use import.meta, so a tool that does not know import.meta can replace this one.
const backend = dirname(dirname(fileURLToPath(import.meta.url)));

/** The path of a compiled file of src/backend, for example one that is run in a child process. */
export const inBackend = (file: string): string => join(backend, file);

/** The folder of Node-API's headers, with which tfjs-node's binding is compiled. */
export const nodeApiHeaders = join(backend, '..', 'native', 'node-api', 'include');

/** The folder with the C++ sources of softseg's own op. */
export const opSources = join(backend, '..', 'native', 'softseg');
