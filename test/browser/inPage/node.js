/** The parts of Node's `process` that jest's matchers read. Only the matchers get it. */
export const process = { env: {}, platform: 'browser', cwd: () => '/', argv: [], versions: {} };
export const __dirname = '/';
