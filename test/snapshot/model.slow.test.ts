import { describe } from 'vitest';
import { modelTests } from './model-suite.js';

const seeds = Array.from({ length: 6 }, (_, index) => 100 + index);

describe('a store is what the model says', () => {
  modelTests('link', { seeds, steps: 1500 });
  modelTests('move', { seeds, steps: 1500 });
  modelTests('copy', { seeds, steps: 1500 });
});
