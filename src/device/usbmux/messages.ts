/* FORMAT facts: docs/format/usbmux.md. */

/** `Number` of a `Result`. Requests about pair records give values of `errno` in the same place. */
export const muxResult = { ok: 0, badCommand: 1, badDevice: 2, connectionRefused: 3, badVersion: 6 } as const;

/** Port of lockdownd on every device. */
export const lockdownPort = 62_078;

/** A port as `PortNumber` of `Connect` has it, and back: its two bytes are swapped. */
export function swapPort(port: number): number {
  return ((port & 0xff) << 8) | ((port >> 8) & 0xff);
}
