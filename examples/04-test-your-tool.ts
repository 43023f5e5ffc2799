// Builds an encrypted backup with known content in memory: a fixture for the tests of your own tool, without a phone.
// npx tsx examples/04-test-your-tool.ts
import assert from 'node:assert/strict';
import { Backup } from 'ios-backup-kit';
import { buildBackup } from 'ios-backup-kit/testing';

const built = await buildBackup({
  ios: '18.2',
  password: 'secret',
  files: [{ domain: 'AppDomain-com.example.notes', relativePath: 'Documents/note.txt', content: 'Buy milk' }],
});

await using backup = await Backup.open(built.tree, { password: 'secret' });
const text = await backup.fs.readFile('/AppDomain-com.example.notes/Documents/note.txt', 'utf8');
assert.equal(text, 'Buy milk');
console.log(`${backup.summary.productType} with iOS ${backup.summary.productVersion}: ${text}`);
