/** Exit codes of the command line. docs/guide/command-line.md explains each. */
export const exitCodes = {
  ok: 0,
  /** Something failed. */
  failure: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** A password is needed, or the one given is wrong. */
  password: 3,
  /** There is no such backup, file or dataset. */
  absent: 4,
  /** Done, but some files were not extracted. */
  partial: 5,
  /** Ended by Ctrl-C: 128 + SIGINT. */
  interrupted: 130,
  /** Ended by a request to terminate: 128 + SIGTERM. */
  terminated: 143,
} as const;

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
