import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

function isInstalled(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * `describe` with other people's programs as referees. Where one is not installed the tests are reported as skipped, with the
 * reason in the title; with IOS_BACKUP_KIT_REQUIRE_PEERS=1, as in CI, they run and fail.
 */
export function describeWithPeers(title: string, tools: readonly string[], tests: () => void): void {
  const missing = tools.filter((tool) => !isInstalled(tool));
  const isRequired = process.env['IOS_BACKUP_KIT_REQUIRE_PEERS'] === '1';
  const note = missing.length === 0 ? '' : ` [not installed: ${missing.join(', ')}]`;
  describe.skipIf(missing.length > 0 && !isRequired)(`${title}${note}`, () => {
    tests();
  });
}
