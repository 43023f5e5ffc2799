import { interruptedTests } from './interrupted-suite.js';

interruptedTests({ every: 1 });
