import type { BackupFacts, VersionInfo } from '../types.js';

/** What retention has to know of a version; a {@link VersionInfo} will do. */
export interface RetentionInput extends Pick<
  VersionInfo,
  'id' | 'created' | 'zone' | 'parent' | 'files' | 'bytes' | 'pinned'
> {
  readonly backup: Pick<BackupFacts, 'state' | 'encrypted' | 'keybag'>;
  /** Whether somebody reads it. */
  readonly open?: boolean | undefined;
}
