/** Of Node what jest's matchers read, for them alone. */
export const process = { env: {}, platform: 'browser', cwd: () => '/', argv: [], versions: {} };
export const __dirname = '/';
