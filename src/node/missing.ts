/** Whether a file or a folder was not there. */
export const isMissing = (error: unknown): boolean => (error as { code?: string } | null)?.code === 'ENOENT';
