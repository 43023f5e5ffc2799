import { compareBackups } from './compare-backups-suite.js';

compareBackups({ incremental: 3 });
