/** What stood in the way of an installation; `InstallError.code` holds one of these. */
export type InstallFailure =
  | 'package' // tfjs-node (or tfjs-node-gpu) itself is not installed
  | 'environment' // one of softseg's environment variables has a value that it cannot have
  | 'platform' // no library is known for this system
  | 'system' // no build of TensorFlow runs on it
  | 'python'
  | 'pip'
  | 'network'
  | 'checksum'
  | 'unpack'
  | 'cache' // there is no folder for it, or something else is in its place
  | 'disk'
  | 'permission'
  | 'compiler'
  | 'binding' // everything was made, and it does not run
  | 'installer' // tfjs-node's own installer failed
  | 'interrupted';

/** An installation that failed: one line that says what is missing and what to do. */
export class InstallError extends Error {
  override readonly name = 'InstallError';

  constructor(
    readonly code: InstallFailure,
    message: string,
  ) {
    super(message);
  }
}

/** A backend that was asked for and cannot run here: the message says why and what to do. */
export class BackendError extends Error {
  override readonly name = 'BackendError';

  readonly #reason: string;

  /** `reason` is the message without who asked; not a plain property, so that Node does not print it a second time. */
  constructor(message: string, reason = message) {
    super(message);
    this.#reason = reason;
  }

  get reason(): string {
    return this.#reason;
  }
}

/** The message of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
