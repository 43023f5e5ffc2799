import { raceTests } from './race-suite.js';

raceTests(100);
