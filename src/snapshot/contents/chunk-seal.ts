/** Where a sealed chunk belongs, to be bound to it. */
export interface ChunkPlace {
  /** Number of the chunk within its entry, from 0. */
  readonly index: number;
  /** One of `packCodecs`: how the bytes were stored before they were sealed. */
  readonly codec: number;
}

/** Seals what is stored of each chunk of one entry, after compression. It may add up to 256 bytes to a chunk. */
export interface ChunkSealer {
  /** The sealed bytes, which are written before the next call. */
  seal(bytes: Uint8Array, place: ChunkPlace): Uint8Array;
}

/** Opens what a {@link ChunkSealer} has sealed. */
export interface ChunkOpener {
  /** The bytes as they were; throws where they were not sealed with this key, in this place. */
  open(bytes: Uint8Array, place: ChunkPlace): Uint8Array;
}
