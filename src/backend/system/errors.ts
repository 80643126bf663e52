/** The kind of problem that made an installation fail; `InstallError.code` is one of these. */
export type InstallFailure =
  | 'package' // tfjs-node (or tfjs-node-gpu) itself is not installed
  | 'environment' // one of softseg's environment variables has an invalid value
  | 'platform' // softseg knows no library for this system
  | 'system' // no build of TensorFlow runs on this system
  | 'python'
  | 'pip'
  | 'network'
  | 'checksum'
  | 'unpack'
  | 'cache' // there is no folder for the cache, or something else is in its place
  | 'disk'
  | 'permission'
  | 'compiler'
  | 'binding' // everything was made, but it does not run
  | 'installer' // tfjs-node's own installer failed
  | 'interrupted';

/** The error of a failed installation; the message is one line that says what is missing and what to do. */
export class InstallError extends Error {
  override readonly name = 'InstallError';

  constructor(
    readonly code: InstallFailure,
    message: string,
  ) {
    super(message);
  }
}

/** The error of a backend that cannot run here; the message says why and what to do. */
export class BackendError extends Error {
  override readonly name = 'BackendError';

  readonly #reason: string;

  /** `reason` is the message without its start, which names the caller. It is private so that Node prints it once. */
  constructor(message: string, reason = message) {
    super(message);
    this.#reason = reason;
  }

  get reason(): string {
    return this.#reason;
  }
}

/** The message of any thrown value. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
