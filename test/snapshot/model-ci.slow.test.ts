/** What `.ci/run` has time for of the model: thousands of steps from a seed in each placement. */
import { describe } from 'vitest';
import { modelTests } from './model-suite.js';

describe('a store is what the model says', () => {
  modelTests('link', { seeds: [100], steps: 2000 });
  modelTests('move', { seeds: [200], steps: 2000 });
  modelTests('copy', { seeds: [300], steps: 2000 });
});
