import { createCipheriv } from 'node:crypto';
import { expect, test } from 'vitest';
import { releaseBytes } from '../../src/core/release-bytes.js';

test('large arrays lose their memory, small ones keep it', () => {
  const large = new Uint8Array(100_000).fill(1);
  const view = large.subarray(16);
  const encrypted = createCipheriv('aes-256-cbc', new Uint8Array(32), new Uint8Array(16)).update(large);
  releaseBytes(view);
  releaseBytes(encrypted);
  expect([large.length, view.length, encrypted.length]).toEqual([0, 0, 0]);
  const small = new Uint8Array(100).fill(1);
  releaseBytes(small);
  expect(small).toHaveLength(100);
});

test('memory that was released before, and shared memory, are left alone', () => {
  const bytes = new Uint8Array(64 * 1024);
  releaseBytes(bytes);
  releaseBytes(bytes);
  const shared = new Uint8Array(new SharedArrayBuffer(64 * 1024));
  releaseBytes(shared);
  expect(shared).toHaveLength(64 * 1024);
});
