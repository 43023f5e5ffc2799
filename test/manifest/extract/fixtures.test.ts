import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { ExtractIssue } from '../../../src/manifest/extract/types.js';
import { Backup } from '../../../src/manifest/backup.js';
import { describeWithFixtures } from '../../support/shared-fixtures.js';
import { attributesOf, filesOf, temporaryFolder } from './support.js';

interface ExpectedFile {
  domain: string;
  relativePath: string;
  type: string;
  sha256: string | null;
  mtime: number;
  blob: string;
}

interface Expected {
  password: string | null;
  files: ExpectedFile[];
}

const whole = (file: ExpectedFile): boolean => file.type === 'file' && file.blob === 'normal' && file.sha256 !== null;

describeWithFixtures('extracting backups that another program wrote', (fixtures) => {
  it.each(['enc-edge', 'plain-edge', 'enc-10.1', 'mbdb-enc', 'mbdb-plain', 'evil-plain'])(
    '%s gives every sound file with its content and time',
    async (name) => {
      const expected = JSON.parse(await readFile(`${fixtures}/backups/${name}.expected.json`, 'utf8')) as Expected;
      const outside = await temporaryFolder();
      const target = `${outside}/a/b/c/target`;
      const backup = await Backup.open(`${fixtures}/backups/${name}`, { password: expected.password ?? undefined });
      try {
        const report = await backup.extract(target, { maxIssues: Infinity });
        expect(report.files + report.counts['not-extracted']).toBeGreaterThanOrEqual(
          expected.files.filter(whole).length,
        );
        const renamed = new Map(
          report.issues
            .filter((issue) => issue.severity === 'renamed')
            .map((issue) => [`${issue.domain}/${issue.relativePath}`, issue.outputPath]),
        );
        for (const file of expected.files.filter(whole)) {
          const path = `${file.domain}/${file.relativePath}`;
          const full = `${target}/${renamed.get(path) ?? path}`;
          const digest = createHash('sha256')
            .update(await readFile(full))
            .digest('hex');
          expect([path, digest]).toEqual([path, file.sha256]);
          expect((await attributesOf(full)).seconds).toBe(file.mtime);
        }
        const outputs = Object.keys(await filesOf(outside));
        expect(outputs).toHaveLength(report.files);
        expect(outputs.filter((path) => !path.startsWith('a/b/c/target/') || path.endsWith('.part'))).toEqual([]);
      } finally {
        await backup.close();
      }
    },
  );

  it('enc-edge reports its damaged files with their reasons, and gives what is left of them on request', async () => {
    const target = await temporaryFolder();
    const backup = await Backup.open(`${fixtures}/backups/enc-edge`, { password: 'test1234' });
    try {
      const options = { domain: 'HomeDomain', pathPrefix: 'Library/Damage', layout: 'relative' } as const;
      const strict = await backup.extract(`${target}/strict`, options);
      const reasons = (issues: readonly ExtractIssue[]): string[] =>
        issues.map((issue) => `${issue.severity} ${issue.reason} ${issue.relativePath.slice(15)}`).sort();
      expect(reasons(strict.issues.filter((issue) => issue.severity === 'not-extracted'))).toEqual([
        'not-extracted content-missing missing.bin',
        'not-extracted incomplete truncated.bin',
        'not-extracted placeholder zero-blob-sized.bin',
      ]);
      const recovered = await backup.extract(`${target}/recovered`, { ...options, recover: true });
      expect(recovered.files).toBe(strict.files + 2);
      expect(reasons(recovered.issues)).toEqual(
        expect.arrayContaining([
          'not-extracted content-missing missing.bin',
          'warning incomplete truncated.bin',
          'warning placeholder zero-blob-sized.bin',
        ]),
      );
    } finally {
      await backup.close();
    }
  });
});
