import { posix, win32 } from 'node:path';

/** Where Finder, iTunes and Apple Devices keep backups; none on other systems. */
export function defaultBackupFolders(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): string[] {
  if (platform === 'darwin') return [posix.join(home, 'Library/Application Support/MobileSync/Backup')];
  if (platform !== 'win32') return [];
  const roaming = env['APPDATA'] ?? win32.join(home, 'AppData', 'Roaming');
  const profile = env['USERPROFILE'] ?? home;
  return [
    win32.join(roaming, 'Apple Computer', 'MobileSync', 'Backup'),
    win32.join(profile, 'Apple', 'MobileSync', 'Backup'),
  ];
}
