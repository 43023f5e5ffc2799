/** One class of Apple's Data Protection. */
export interface ProtectionClass {
  /** Number in keybags, file records and keychain items. */
  readonly number: number;
  /** Apple's own name. */
  readonly name: string;
  /** What it protects. */
  readonly protects: 'file' | 'keychain-item';
  /** Whether its key in a backup can be used only on the device that made the backup. */
  readonly deviceOnly: boolean;
  /** When the device itself can read what it protects, as a short phrase. */
  readonly description: string;
}

const classes: readonly ProtectionClass[] = [
  file(1, 'NSFileProtectionComplete', 'readable while the device is unlocked'),
  file(2, 'NSFileProtectionCompleteUnlessOpen', 'writable while the device is locked'),
  file(3, 'NSFileProtectionCompleteUntilFirstUserAuthentication', 'readable after the first unlock since the start'),
  file(4, 'NSFileProtectionNone', 'always readable'),
  { ...file(5, 'NSFileProtectionRecovery', 'used by the recovery system'), deviceOnly: true },
  item(6, 'kSecAttrAccessibleWhenUnlocked', 'readable while the device is unlocked'),
  item(7, 'kSecAttrAccessibleAfterFirstUnlock', 'readable after the first unlock since the start'),
  item(8, 'kSecAttrAccessibleAlways', 'always readable'),
  item(9, 'kSecAttrAccessibleWhenUnlockedThisDeviceOnly', 'readable while this device is unlocked'),
  item(10, 'kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly', 'readable after the first unlock of this device'),
  item(11, 'kSecAttrAccessibleAlwaysThisDeviceOnly', 'always readable on this device'),
  item(12, 'kSecAttrAccessibleWhenPasscodeSetThisDeviceOnly', 'readable while this device has a passcode'),
];

function file(number: number, name: string, description: string): ProtectionClass {
  return { number, name, protects: 'file', deviceOnly: false, description };
}

function item(number: number, name: string, description: string): ProtectionClass {
  return { number, name, protects: 'keychain-item', deviceOnly: number >= 9, description };
}

/**
 * The known protection classes by number. Newer keybags hold further ones, whose meaning is not published.
 * Sources: docs/format/keybag.md.
 */
export const protectionClasses: ReadonlyMap<number, ProtectionClass> = new Map(
  classes.map((entry) => [entry.number, entry]),
);

/** How a class is called in messages, e.g. `3 (NSFileProtectionCompleteUntilFirstUserAuthentication)`, or just its number. */
export function describeProtectionClass(number: number): string {
  const name = protectionClasses.get(number)?.name;
  return name === undefined ? `${number}` : `${number} (${name})`;
}
