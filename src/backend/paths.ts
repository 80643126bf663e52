import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// The one place that asks where this code lies, so that a tool that knows no import.meta can replace this file alone.
const folder = dirname(fileURLToPath(import.meta.url));

/** Path of another compiled file of this folder, for example one that is run in a child process. */
export const beside = (file: string): string => join(folder, file);

/** Node-API's headers, with which tfjs-node's binding is compiled. */
export const nodeApiHeaders = join(folder, '..', 'native', 'node-api', 'include');

/** The C++ of softseg's own op. */
export const opSources = join(folder, '..', 'native', 'softseg');
