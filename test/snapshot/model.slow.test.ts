import { describe } from 'vitest';
import { modelTests } from './model-suite.js';

const seeds = Array.from({ length: 5 }, (_, index) => 101 + index);

// The first seed of each is in model-ci.slow.test.ts.
describe('a store is what the model says', () => {
  modelTests('link', { seeds, steps: 2000 });
  modelTests('move', { seeds, steps: 2000 });
  modelTests('copy', { seeds, steps: 2000 });
});
