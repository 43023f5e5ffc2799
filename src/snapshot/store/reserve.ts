import { isBackupKitError } from '../../core/errors.js';
import { storePath, type Place } from './place.js';

type ReservePlace = Pick<Place, 'fs' | 'folder'>;

const blockBytes = 1024 * 1024;

/** Bytes that are kept to be given up on a full disk; the second on a small one. */
const reserveSizes = [32 * blockBytes, blockBytes];

/** Makes the reserve where it is missing and the disk has ten times the room. */
export function writeReserve(place: Place): void {
  const path = storePath(place, 'reserve');
  const { fs } = place;
  const { free } = fs.space(place.folder);
  const reserveBytes = reserveSizes.find((size) => free >= 10 * size);
  if (reserveBytes === undefined || (fs.facts(path)?.size ?? 0) >= reserveBytes) return;
  fs.unlink(path);
  const writer = fs.create(path);
  try {
    // Not zeros, which some disks do not store.
    const block = new Uint8Array(blockBytes).fill(0x52);
    for (let written = 0; written < reserveBytes; written += blockBytes) writer.write(block);
  } catch (error) {
    fs.unlink(path);
    throw error;
  } finally {
    writer.close();
  }
}

/** Runs work, and once more without the reserve where the disk is full. */
export async function withReserve<T>(place: ReservePlace | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isBackupKitError(error, 'IO_NO_SPACE') || place === undefined || !releaseReserve(place)) throw error;
    return await work();
  }
}

/** Gives the reserve up: whether there was one. */
export function releaseReserve(place: ReservePlace): boolean {
  const path = `${place.folder}/reserve`;
  if (place.fs.facts(path) === undefined) return false;
  place.fs.unlink(path);
  return true;
}
