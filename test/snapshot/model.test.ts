import { describe } from 'vitest';
import { modelTests } from './model-suite.js';

describe('a store is what the model says', () => {
  modelTests('link', { seeds: [1], steps: 90 });
  modelTests('move', { seeds: [3], steps: 90 });
  modelTests('copy', { seeds: [5], steps: 90 });
});
