import { describe, expect, it } from 'vitest';
import { escapeName, fitName, foldName, unescapeName } from '../../../src/manifest/extract/safe-name.js';

describe('names', () => {
  it.each([
    ['sms.db', 'sms.db'],
    ['Ünïcode 😀.txt', 'Ünïcode 😀.txt'],
    ['100% sure', '100% sure'],
    ['50%25', '50%2525'],
    ['%u00e9', '%u00e9'],
    ['%u00E9', '%25u00E9'],
    ['', '%_'],
    ['%_', '%25_'],
    ['.', '%2E'],
    ['..', '.%2E'],
    ['...', '..%2E'],
    ['.hidden', '.hidden'],
    ['trailing.', 'trailing%2E'],
    ['trailing ', 'trailing%20'],
    ['a:b*c?"<>|\\d', 'a%3Ab%2Ac%3F%22%3C%3E%7C%5Cd'],
    ['C:\\Windows\\x', 'C%3A%5CWindows%5Cx'],
    ['Home/Domain', 'Home%2FDomain'],
    ['nul\0byte', 'nul%00byte'],
    ['line\nbreak\u001b[2J', 'line%0Abreak%1B[2J'],
    ['\u009b31m', '%u009B31m'],
    ['\ud800lone', '%uD800lone'],
    ['CON', '%43ON'],
    ['con.txt', '%63on.txt'],
    ['nul', '%6Eul'],
    ['NUL .tar.gz', '%4EUL .tar.gz'],
    ['aux.', '%61ux%2E'],
    ['COM1', '%43OM1'],
    ['com¹.log', '%63om¹.log'],
    ['LPT³', '%4CPT³'],
    ['CONIN$', '%43ONIN$'],
    ['console', 'console'],
    ['COM10', 'COM10'],
    ['PROGRA~1', 'PROGRA%7E1'],
    ['~/x', '~%2Fx'],
  ])('%j becomes %j on every platform, and back', (text, name) => {
    expect(escapeName(text)).toBe(name);
    expect(unescapeName(name)).toBe(text);
  });

  it.each([
    ['CON', 'CON'],
    ['a:b. ', 'a:b. '],
    ['..', '.%2E'],
    ['.', '%2E'],
    ['a/b\0', 'a%2Fb%00'],
    ['', '%_'],
  ])('%j becomes %j for POSIX alone, and back', (text, name) => {
    expect(escapeName(text, 'posix')).toBe(name);
    expect(unescapeName(name)).toBe(text);
  });

  it('are cut to 255 bytes with a hash, before the extension, between characters', () => {
    const { name, shortened } = fitName(`${'é'.repeat(200)}.jpeg`);
    expect(shortened).toBe(true);
    expect(name).toMatch(/^é+~[0-9a-f]{10}\.jpeg$/);
    expect(Buffer.byteLength(name)).toBeGreaterThan(250);
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(fitName(`${'é'.repeat(201)}.jpeg`).name).not.toBe(name);
    expect(fitName('a'.repeat(255))).toEqual({ name: 'a'.repeat(255), shortened: false });
  });

  it('get a suffix before the extension', () => {
    expect(fitName('IMG_1.JPG', ' (2)').name).toBe('IMG_1 (2).JPG');
    expect(fitName('.plist', ' (2)').name).toBe('.plist (2)');
    expect(fitName('a'.repeat(253), ' (2)').name).toMatch(/^a+~[0-9a-f]{10} \(2\)$/);
  });

  it.each([
    ['README', 'readme'],
    ['cafe\u0301', 'café'],
    ['Straße', 'STRASSE'],
    ['K', '\u212a'],
    ['zero\u200dwidth', 'zerowidth'],
    ['ÉCOLE', 'e\u0301cole'],
  ])('%j and %j count as the same where case and form do not', (a, b) => {
    expect(foldName(a)).toBe(foldName(b));
  });
});
