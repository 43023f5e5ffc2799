import { describe } from 'vitest';
import { killedTests } from './killed-suite.js';

describe('a store', () => {
  killedTests('link', 4);
  killedTests('move', 4);
});
