import { crashTests } from './crash-suite.js';

// A part of the calls, another one for each kind of work; all of them in crash.slow.test.ts.
crashTests({ every: 97, deep: false });
