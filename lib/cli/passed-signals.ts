/**
 * Signals that docker passes on to a container in the foreground: all but those that cannot be caught, SIGCHLD, SIGPIPE and SIGURG, and without those by which the
 * kernel tells a program of a fault of its own. docker/cli, container.ForwardAllSignals.
 */
export const PASSED = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGIO',
  'SIGPWR',
  'SIGXCPU',
] as const
