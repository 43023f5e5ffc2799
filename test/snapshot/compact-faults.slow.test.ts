import { compactFaultTests } from './compact-faults-suite.js';

compactFaultTests({ every: 1 });
