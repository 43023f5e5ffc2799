import { expect, test } from 'vitest';
import { decodeLabel } from '../../../src/datasets/contacts/labels.js';

test.each([
  ['_$!<Home>!$_', 'home'],
  ['_$!<HomeFAX>!$_', 'home fax'],
  ['_$!<HomePage>!$_', 'homepage'],
  ['_$!<iPhone>!$_', 'iPhone'],
  ['_$!<YoungerCousin>!$_', 'younger cousin'],
  ['iPhone', 'iPhone'],
  ['APPLEWATCH', 'Apple Watch'],
])('built-in label %s is %s', (rawLabel, label) => {
  expect(decodeLabel(rawLabel)).toEqual({ label, rawLabel });
});

test.each(['TextNow', 'Büro 2', '_$!<', '>!$_', 'x _$!<Home>!$_', '  '])(
  'custom label %j stays as it is',
  (rawLabel) => {
    expect(decodeLabel(rawLabel)).toEqual({ label: rawLabel, rawLabel });
  },
);

test.each([undefined, ''])('label %j is none', (rawLabel) => {
  expect(decodeLabel(rawLabel)).toEqual({ label: undefined, rawLabel: undefined });
});
