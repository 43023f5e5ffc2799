import { interruptedTests } from './interrupted-suite.js';

// All messages in interrupted.slow.test.ts.
interruptedTests({ every: 3 });
