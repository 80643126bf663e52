import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// The one place that asks where this code lies, so that a tool that knows no import.meta can replace this file alone.
const backend = dirname(dirname(fileURLToPath(import.meta.url)));

/** Path of a compiled file of src/backend, for example one that is run in a child process. */
export const inBackend = (file: string): string => join(backend, file);

/** Node-API's headers, with which tfjs-node's binding is compiled. */
export const nodeApiHeaders = join(backend, '..', 'native', 'node-api', 'include');

/** The C++ of softseg's own op. */
export const opSources = join(backend, '..', 'native', 'softseg');
