/**
 * The only reader of `process.env` in the bench. What is started gets no credential and no setting
 * of whoever runs the bench: a figure must not depend on somebody's shell.
 */

/** Debian keeps nginx where only root's PATH looks. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'] as const;

/** What every started process gets. */
export function plainEnvironment(): Record<string, string> {
  const path = [process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', ...SYSTEM_FOLDERS];
  return { PATH: path.join(':'), LANG: 'C', NODE_ENV: 'production' };
}
