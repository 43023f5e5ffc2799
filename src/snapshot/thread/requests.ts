import type { FileHashes, FileToHash } from '../fs/hash-live.js';
import type { PackEntry } from '../format/pack-format.js';
import type { Place } from '../store/place.js';
import type { DetachedFiles } from '../work/packed-rows.js';

/** What the helper thread of a store is told at its start. */
export type HelperPlace = Pick<Place, 'location' | 'folder' | 'placement' | 'timeStepUs'>;

/** Make files of rows by links or clones of objects. */
export interface ShareRequest {
  readonly kind: 'share';
  /** Full path of the folder to write into. */
  readonly to: string;
  readonly share: 'link' | 'clone';
  /** Rows of a table in order. */
  readonly rows: Uint8Array;
  /** Number of them. */
  readonly count: number;
  /** Size in bytes from which on files are left alone; so is what is no file. */
  readonly below: number;
}

/** Lay differences over a copy of a file. */
export interface PatchRequest {
  readonly kind: 'patch';
  /** Full path of the copy. */
  readonly full: string;
  /** Size in bytes that it is to have. */
  readonly size: number;
  /** What is laid over it, one after the other. */
  readonly chain: readonly PatchStep[];
}

/** One of the differences. */
export interface PatchStep {
  /** Full path of the pack. */
  readonly path: string;
  readonly entry: PackEntry;
}

/** Make files of whole contents in packs. */
export interface UnpackRequest extends DetachedFiles {
  readonly kind: 'unpack';
}

/** Read files. */
export interface HashRequest {
  readonly kind: 'hash';
  /** Full path of the folder in which they lie. */
  readonly root: string;
  readonly files: readonly Pick<FileToHash, 'path' | 'modifiedUs'>[];
}

/** What the helper thread of a store can do. */
export type HelperRequest = ShareRequest | PatchRequest | UnpackRequest | HashRequest;

/** What it says to each. */
export interface HelperAnswers {
  /** Numbers in the request of the small files that were not made. */
  readonly share: readonly number[];
  /** Whether it worked. */
  readonly patch: boolean;
  /** Numbers in the request of the files that were not made. */
  readonly unpack: readonly number[];
  /** In the same order; unread is what could not be read. */
  readonly hash: FileHashes;
}
