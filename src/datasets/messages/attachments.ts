import type { AbortOptions } from '../../core/abort.js';
import { asDict, asString } from '../../plist/guards.js';
import { parsePlist } from '../../plist/parse.js';
import type { BackupReader, FileRef } from '../../manifest/types.js';
import type { SqliteRow } from '../../sqlite/driver.js';
import { cocoaDateOf } from '../shared/times.js';
import { bytesOf, filledTextOf, flagOf, integerOf, textOf } from '../shared/values.js';
import type { Attachment, StickerInfo } from './types.js';

// FORMAT facts: docs/datasets/messages.md, "Attachments".

/** Columns of `attachment` that an {@link Attachment} is made of. */
export const attachmentColumns = [
  'ROWID',
  'guid',
  'original_guid',
  'filename',
  'transfer_name',
  'uti',
  'mime_type',
  'total_bytes',
  'created_date',
  'is_outgoing',
  'transfer_state',
  'is_sticker',
  'sticker_user_info',
  'hide_attachment',
  'emoji_image_short_description',
] as const;

/** Where a file of the Messages app lies in a backup; `undefined` for paths elsewhere on the device. */
export function attachmentFile(filename: string | undefined): FileRef | undefined {
  const match = /^(?:~|\/(?:private\/)?var\/mobile)\/(Library\/SMS\/.+)$/.exec(filename ?? '');
  const relativePath = match?.[1]?.replace(/\/+$/, '');
  if (relativePath === undefined || relativePath.split('/').some((part) => part === '..' || part === ''))
    return undefined;
  return { domain: 'MediaDomain', relativePath };
}

/** A row of `attachment`, looked up in the backup. `onProblem` is called where its sticker information cannot be read. */
export async function readAttachment(
  row: SqliteRow,
  backup: BackupReader,
  options: AbortOptions & { onProblem: (cause: unknown) => void },
): Promise<Attachment> {
  const ref = attachmentFile(filledTextOf(row['filename']));
  const entry = ref === undefined ? undefined : await backup.files.get(ref, options);
  const isPresent = entry !== undefined;
  const file = entry === undefined ? ref : { domain: entry.domain, relativePath: entry.relativePath };
  return {
    rowId: integerOf(row['ROWID']) ?? 0,
    guid: textOf(row['guid']) ?? '',
    name: filledTextOf(row['transfer_name']) ?? file?.relativePath.split('/').at(-1),
    file,
    isPresent,
    isDirectory: entry?.kind === 'directory',
    livePhotoVideo: isPresent && file !== undefined ? await livePhotoVideo(file, backup, options) : undefined,
    mimeType: filledTextOf(row['mime_type']),
    uti: filledTextOf(row['uti']),
    size: integerOf(row['total_bytes']),
    created: cocoaDateOf(row['created_date']),
    isOutgoing: flagOf(row['is_outgoing']),
    transferState: integerOf(row['transfer_state']),
    isHidden: flagOf(row['hide_attachment']),
    sticker: flagOf(row['is_sticker']) ? stickerInfo(row, options.onProblem) : undefined,
    position: undefined,
    part: undefined,
  };
}

async function livePhotoVideo(
  file: FileRef,
  backup: BackupReader,
  options: AbortOptions,
): Promise<FileRef | undefined> {
  const match = /^(.*)\.(?:heic|jpe?g)$/i.exec(file.relativePath);
  if (match === null) return undefined;
  const video = { domain: file.domain, relativePath: `${match[1]}.MOV` };
  return (await backup.files.get(video, options)) === undefined ? undefined : video;
}

function stickerInfo(row: SqliteRow, onProblem: (cause: unknown) => void): StickerInfo {
  const bytes = bytesOf(row['sticker_user_info']);
  let source: string | undefined;
  try {
    source = bytes === undefined ? undefined : asString(asDict(parsePlist(bytes))?.get('pid'));
  } catch (error) {
    onProblem(error);
  }
  return { source, prompt: filledTextOf(row['emoji_image_short_description']) };
}
