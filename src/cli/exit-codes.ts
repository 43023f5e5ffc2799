/** Exit codes of the command line. docs/guide/command-line.md explains each. */
export const exitCodes = {
  ok: 0,
  /** Something failed. */
  failure: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** A password is needed, or the one given is wrong. */
  password: 3,
  /** There is no such backup, version, file, app or dataset. */
  absent: 4,
  /** Done, but not with all files. */
  partial: 5,
  /** There is no such device, several and none was chosen, or nothing that reaches devices. */
  noDevice: 6,
  /** The device does not trust this computer, or is not the one that was paired. */
  notTrusted: 7,
  /** The device is locked, or its passcode was not entered. */
  locked: 8,
  /** The device refused, or ended what was asked for with an error. */
  refused: 9,
  /** The connection to the device was lost. */
  disconnected: 10,
  /** Another program uses the device, the backup or the store. */
  busy: 11,
  /** The owner cancelled on the device. */
  cancelled: 12,
  /** A part of a version store is damaged or missing. */
  damaged: 13,
  /** Ended by Ctrl-C: 128 + SIGINT. */
  interrupted: 130,
  /** Ended by a request to terminate: 128 + SIGTERM. */
  terminated: 143,
} as const;

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
