/* FORMAT facts: docs/format/afc.md. */

/** Operations of AFC, requests and replies. */
export const afcOperation = {
  status: 0x01,
  data: 0x02,
  readDirectory: 0x03,
  truncate: 0x07,
  removePath: 0x08,
  makeDirectory: 0x09,
  getFileInfo: 0x0a,
  getDeviceInfo: 0x0b,
  openFile: 0x0d,
  openFileResult: 0x0e,
  readFile: 0x0f,
  writeFile: 0x10,
  seekFile: 0x11,
  tellFile: 0x12,
  tellFileResult: 0x13,
  closeFile: 0x14,
  setFileSize: 0x15,
  rename: 0x18,
  lockFile: 0x1b,
  makeLink: 0x1c,
  setModified: 0x1e,
  removePathAndContents: 0x22,
} as const;

/** Operations that AFC has and that no client of backups sends. */
export const afcOtherOperations: ReadonlySet<number> = new Set([
  0x04, 0x05, 0x06, 0x0c, 0x16, 0x17, 0x19, 0x1a, 0x1d, 0x1f, 0x20, 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,
]);

/** Status codes of AFC. */
export const afcStatus = {
  ok: 0,
  unknownError: 1,
  noResources: 3,
  unknownPacket: 6,
  invalidArgument: 7,
  notFound: 8,
  isDirectory: 9,
  permissionDenied: 10,
  notSupported: 15,
  exists: 16,
  noSpace: 18,
  wouldBlock: 19,
  ioError: 20,
} as const;

/** How a file is opened. All but `read` create it. */
export const afcOpenMode = { read: 1, readWrite: 2, write: 3, writeRead: 4, append: 5, appendRead: 6 } as const;

/** Operations of `lockFile`, as `flock` has them, without waiting. */
export const afcLock = { shared: 5, exclusive: 6, unlock: 12 } as const;

/** Kinds of `makeLink`. */
export const afcLinkType = { hard: 1, symbolic: 2 } as const;
