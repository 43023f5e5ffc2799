// Marks dist as complete: a build that was cut off leaves no mark and is run again.
import { writeFileSync } from 'node:fs';

writeFileSync(new URL('../dist/.built', import.meta.url), '');
