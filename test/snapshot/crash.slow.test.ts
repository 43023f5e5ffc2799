import { crashTests } from './crash-suite.js';

crashTests({ every: 1, deep: true });
