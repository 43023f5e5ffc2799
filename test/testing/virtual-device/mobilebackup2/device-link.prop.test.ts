import { duplexPair } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBlock, encodeName, endOfFiles } from '../../../../src/backup/device-link/wire.js';
import { concatBytes, equalBytes } from '../../../../src/core/bytes.js';
import { encodePlistFrame } from '../../../../src/device/plist-frame.js';
import { isBackupKitError } from '../../../../src/entry/index.js';
import { DeviceConnection } from '../../../../src/testing/virtual-device/connection.js';
import { FaultScript } from '../../../../src/testing/virtual-device/faults.js';
import { DeviceLink } from '../../../../src/testing/virtual-device/services/mobilebackup2/device-link.js';

/** A link whose host says `bytes` and nothing more, whatever it is asked. */
function linkTo(bytes: Uint8Array): { link: DeviceLink; close: () => void } {
  const [device, host] = duplexPair();
  host.resume();
  host.end(bytes);
  const owner = { udid: 'x', faults: new FaultScript(() => undefined), onMessage: undefined };
  const connection = new DeviceConnection(device, 'com.apple.mobilebackup2', owner);
  const link = new DeviceLink(connection, { version: [400, 0], xml: false, uploadElements: undefined });
  return { link, close: () => connection.destroy() };
}

/** What a host sends for two files. */
function answer(contents: readonly Uint8Array[]): Uint8Array {
  const status = ['DLMessageStatusResponse', 0, '___EmptyParameterString___', {}];
  const files = contents.flatMap((content, index) => [
    encodeName(`f${index}`),
    ...(content.length > 0 ? [encodeBlock(0x0c, content)] : []),
    encodeBlock(0),
  ]);
  return concatBytes([...files, endOfFiles, encodePlistFrame(status, 'binary')]);
}

async function download(
  bytes: Uint8Array,
): Promise<{ files: Map<string, Uint8Array>; missing: ReadonlyMap<string, string> }> {
  const { link, close } = linkTo(bytes);
  const files = new Map<string, Uint8Array>();
  try {
    const missing = await link.download(['f0', 'f1'], async (path, chunks) => {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      files.set(path, concatBytes(parts));
    });
    return { files, missing };
  } finally {
    close();
  }
}

const contents = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 2, maxLength: 2 });

describe('Files from a host', () => {
  test('arrive as they were sent', async () => {
    await fc.assert(
      fc.asyncProperty(contents, async (sent) => {
        const { files, missing } = await download(answer(sent));
        expect(missing.size).toBe(0);
        expect(sent.every((bytes, index) => equalBytes(bytes, files.get(`f${index}`) ?? Uint8Array.of(0)))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test('that were altered or cut anywhere give a result or an error of ours', async () => {
    const damage = fc.tuple(contents, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(damage, async ([sent, at, byte, cut]) => {
        const whole = answer(sent);
        const place = at % whole.length;
        const bytes = cut ? whole.subarray(0, place) : whole.with(place, byte);
        try {
          expect((await download(bytes)).files.size).toBeLessThanOrEqual(2);
        } catch (error) {
          if (!isBackupKitError(error)) throw error;
        }
      }),
      { numRuns: 400 },
    );
  });
});
