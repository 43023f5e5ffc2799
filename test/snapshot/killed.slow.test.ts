import { describe } from 'vitest';
import { killedTests } from './killed-suite.js';

describe('a store', () => {
  killedTests('link', 120);
  killedTests('move', 120);
  killedTests('copy', 120);
});
