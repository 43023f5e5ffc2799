/** Name of the version store's folder, beside those of devices. @see docs/format/snapshot-store.md */
export const storeFolderName = '.ios-backup-kit';

/** How the folders of sinks are named that lie beside those of devices: this and the UDID. */
export const workFolderPrefix = `${storeFolderName}-`;
