import { compareBackups } from './compare-backups-suite.js';

// More in compare-backups.slow.test.ts.
compareBackups({ incremental: 1 });
