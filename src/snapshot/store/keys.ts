/** Names of what lies in a store. @see docs/format/snapshot-store.md#folders */
export const keys = {
  object: (hash: string): string => `objects/${hash.slice(0, 2)}/${hash}`,
  table: (hash: string): string => `tables/${hash.slice(0, 2)}/${hash}.tbl`,
  pack: (id: string): string => `packs/${id.slice(0, 2)}/${id}.pk`,
  device: (udid: string): string => `devices/${udid}`,
  version: (udid: string, id: string): string => `devices/${udid}/versions/${id}.ver`,
  trash: (udid: string, id: string): string => `devices/${udid}/trash/${id}.ver`,
  settings: (udid: string): string => `devices/${udid}/device.json`,
  live: (udid: string): string => `devices/${udid}/live.ver`,
  liveNotes: (udid: string): string => `devices/${udid}/live.json`,
  run: (udid: string): string => `runs/${udid}`,
} as const;

/** SHA-256 of nothing: contents without bytes are not stored. */
export const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
