import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** A private key and a certificate, both PEM. */
export interface Credentials {
  key: string;
  certificate: string;
}

function der(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const length = Buffer.from(body.length.toString(16).padStart(4, '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x82), length, body]);
}

const sha256WithRsa = der(0x30, der(0x06, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05));
const emptyName = der(0x30);
const validity = der(0x30, der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z')));

/** A certificate for `subject`, signed by `issuer`, with the empty names that hosts give theirs. */
function issue(subject: KeyObject, issuer: KeyObject): string {
  serial += 1;
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(serial >> 8, serial & 0xff)),
    sha256WithRsa,
    emptyName,
    validity,
    emptyName,
    subject.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('sha256', body, issuer);
  const whole = der(0x30, body, sha256WithRsa, der(0x03, Buffer.of(0), signature));
  const lines = Buffer.from(whole).toString('base64').replaceAll(/.{64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`;
}

/** Keys are slow to make and no test needs a fresh one: certificates differ by their serial numbers. */
const keys: ReturnType<typeof newKey>[] = [];
let serial = 0x100;

function keyAt(index: number): ReturnType<typeof newKey> {
  return (keys[index] ??= newKey());
}

function newKey(): { key: string; publicKey: KeyObject; privateKey: KeyObject } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { key, privateKey: createPrivateKey(key), publicKey: createPublicKey(privateKey) };
}

/** What a host makes to pair with a device of this public key (PKCS#1 PEM). */
export function pairingCertificates(devicePublicKey: Uint8Array): {
  root: Credentials;
  host: Credentials;
  device: string;
} {
  const root = keyAt(0);
  const host = keyAt(1);
  const device = createPublicKey(Buffer.from(devicePublicKey).toString());
  return {
    root: { key: root.key, certificate: issue(root.publicKey, root.privateKey) },
    host: { key: host.key, certificate: issue(host.publicKey, root.privateKey) },
    device: issue(device, root.privateKey),
  };
}
