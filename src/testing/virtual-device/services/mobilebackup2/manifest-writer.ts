import { hexDecode } from '../../../../core/bytes.js';
import { createManifest } from '../../../backup-builder/create-manifest.js';
import { fileIdOf, type EntryRecord } from '../../../backup-builder/entry-record.js';
import type { BackupKeys } from '../../../backup-builder/keys.js';
import { MbdbWriter } from '../../../backup-builder/mbdb-writer.js';
import type { BuildPlan } from '../../../backup-builder/plan.js';
import { encryptChunks } from '../../../backup-builder/stored-content.js';
import { bytesBody, type FileBody } from '../../file-system/content.js';

/** The manifest of a new backup, of the generation that its iOS version has. */
export interface ManifestWriter {
  add(record: EntryRecord): void;
  /** The manifest as it is stored, and its wrapped key where it is encrypted. */
  finish(): { readonly stored: FileBody; readonly key: Uint8Array | undefined };
  close(): void;
}

/** A writer for the iOS version and the encryption of a plan. */
export async function createManifestWriter(plan: BuildPlan, keys: BackupKeys): Promise<ManifestWriter> {
  return plan.hasDatabase ? await databaseWriter(plan, keys) : mbdbWriter();
}

async function databaseWriter(plan: BuildPlan, keys: BackupKeys): Promise<ManifestWriter> {
  const writer = await createManifest(plan);
  return {
    add: (record) => writer.add(record, fileIdOf(record.domain, record.relativePath), []),
    finish() {
      const plain = bytesBody(writer.finish());
      if (!plan.isEncrypted || plan.profile.generation !== 'database') return { stored: plain, key: undefined };
      const key = keys.manifestKey();
      return { stored: encryptedBody(plain, key.key), key: key.wrapped };
    },
    close: () => writer.close(),
  };
}

function mbdbWriter(): ManifestWriter {
  const writer = new MbdbWriter();
  return {
    add: (record) => writer.add(record, hexDecode(fileIdOf(record.domain, record.relativePath)) ?? new Uint8Array()),
    finish: () => ({ stored: bytesBody(writer.manifest()), key: undefined }),
    close: () => undefined,
  };
}

/** A content as an encrypted backup stores it: padded to whole blocks of the cipher. */
export function encryptedBody(plain: FileBody, key: Uint8Array): FileBody {
  return { size: plain.size + 16 - (plain.size % 16), stream: () => encryptChunks(key, plain.stream()) };
}
