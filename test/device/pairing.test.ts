import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createPairRecord } from '../../src/device/lockdown/certificates.js';
import {
  Device,
  exportPairRecord,
  forgetDevice,
  importPairRecord,
  pairDevice,
  unpairDevice,
  usbmuxTransport,
  validatePair,
  type PairingEvent,
} from '../../src/entry/device.js';
import { createVirtualDevice, type CreateVirtualDeviceOptions, type VirtualDevice } from '../../src/entry/testing.js';
import { parsePlist } from '../../src/plist/parse.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { asData, asDict } from '../../src/plist/guards.js';
import { Host } from '../testing/virtual-device/host.js';
import { bench, codeOf } from './support.js';

async function stranger(options: CreateVirtualDeviceOptions = {}) {
  const phone = await createVirtualDevice(options);
  return { phone, transport: usbmuxTransport({ address: phone.address }), pairingIntervalMs: 1 };
}

/** The certificates of the record that the host has stored. */
function storedCertificates(phone: VirtualDevice): Record<'root' | 'host' | 'device', X509Certificate> {
  const record = asDict(parsePlist(phone.mux.pairRecords.get(phone.udid) ?? new Uint8Array()));
  const certificate = (key: string): X509Certificate =>
    new X509Certificate(Buffer.from(asData(record?.get(key)) ?? new Uint8Array()));
  return {
    root: certificate('RootCertificate'),
    host: certificate('HostCertificate'),
    device: certificate('DeviceCertificate'),
  };
}

describe('pairDevice()', () => {
  test('makes certificates of SHA-256 for the key of the device, valid for ten years', async () => {
    const at = await stranger();
    await using phone = at.phone;
    await pairDevice(phone.udid, at);
    const { root, host, device } = storedCertificates(phone);
    expect(root.verify(root.publicKey) && host.verify(root.publicKey) && device.verify(root.publicKey)).toBe(true);
    expect([root.ca, host.ca, device.ca]).toEqual([true, false, false]);
    const key = Buffer.from(asData(phone.values.get('', 'DevicePublicKey')) ?? new Uint8Array()).toString();
    expect(device.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString().trim()).toBe(key.trim());
    for (const one of [root, host, device]) {
      // sha256WithRSAEncryption, in the certificate and behind it.
      expect(one.raw.toString('hex').split('2a864886f70d01010b')).toHaveLength(3);
      const years = (Date.parse(one.validTo) - Date.parse(one.validFrom)) / 365.25 / 86_400_000;
      expect(years).toBeCloseTo(10, 1);
      expect(Math.abs(Date.parse(one.validFrom) - Date.now())).toBeLessThan(60_000);
    }
  });

  test('sends no private key to the device', async () => {
    const seen: string[] = [];
    const phone = await createVirtualDevice({
      onMessage: ({ direction, message }) => {
        const keys = asDict(asDict(message as never)?.get('PairRecord'))?.keys();
        if (direction === 'received' && keys !== undefined) seen.push(...keys);
      },
    });
    await pairDevice(undefined, { transport: usbmuxTransport({ address: phone.address }) });
    await phone.close();
    expect(seen.sort()).toEqual(['DeviceCertificate', 'HostCertificate', 'HostID', 'RootCertificate', 'SystemBUID']);
  });

  test('waits for the owner with the same record, and tells what it waits for', async () => {
    const at = await stranger({ trust: { pending: 3 }, lockState: 'locked' });
    await using phone = at.phone;
    const events: PairingEvent['type'][] = [];
    await pairDevice(undefined, {
      ...at,
      onProgress: ({ type }) => {
        events.push(type);
        if (type === 'waiting-for-unlock') phone.setLockState('unlocked');
      },
    });
    expect(events).toEqual(['waiting-for-unlock', 'waiting-for-trust', 'paired']);
    expect(phone.trustedHosts).toHaveLength(1);
    expect(await validatePair(undefined, at)).toBe(true);
  });

  test('ends where the owner does not trust this host, and stores nothing', async () => {
    const at = await stranger({ trust: 'ask' });
    await using phone = at.phone;
    const call = pairDevice(undefined, { ...at, onProgress: () => phone.answerTrust('deny') });
    await expect(call).rejects.toMatchObject({
      code: 'DEVICE_TRUST_DENIED',
      remoteError: 'UserDeniedPairing',
      udid: phone.udid,
    });
    expect(phone.mux.pairRecords.size).toBe(0);
  });

  test('can be aborted while the owner thinks about it', async () => {
    const at = await stranger({ trust: 'ask' });
    await using phone = at.phone;
    const reason = new Error('enough');
    const controller = new AbortController();
    const call = pairDevice(undefined, {
      ...at,
      pairingIntervalMs: 60_000,
      signal: controller.signal,
      onProgress: () => setImmediate(() => controller.abort(reason)),
    });
    await expect(call).rejects.toBe(reason);
    expect(phone.mux.pairRecords.size).toBe(0);
  });

  test('ends with one error when the cable is pulled while it waits', async () => {
    const at = await stranger({ trust: 'ask' });
    await using phone = at.phone;
    const call = pairDevice(undefined, { ...at, onProgress: () => void phone.detach() });
    await expect(call).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED', transient: true });
  });

  test('rejects with what its callback throws', async () => {
    const at = await stranger({ trust: 'ask' });
    await using phone = at.phone;
    const mistake = new Error('a mistake of the caller');
    const call = pairDevice(phone.udid, {
      ...at,
      onProgress: () => {
        throw mistake;
      },
    });
    await expect(call).rejects.toBe(mistake);
  });

  test('reports a key of the device that is none', async () => {
    const publicKey = new TextEncoder().encode('-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n');
    const pairing = { devicePublicKey: publicKey, systemBuid: 'x', wifiMacAddress: undefined };
    expect(await codeOf(createPairRecord(pairing))).toBe('PROTOCOL_MALFORMED');
  });
});

describe('A pairing', () => {
  test('is valid until one side forgets it', async () => {
    await using at = await bench();
    expect(await validatePair(undefined, at)).toBe(true);
    at.phone.forgetHost();
    expect(await validatePair(undefined, at)).toBe(false);
    await forgetDevice(at.phone.udid, at);
    expect(await validatePair(undefined, at)).toBe(false);
  });

  test('is forgotten on both sides by unpairDevice(), which can be repeated', async () => {
    await using at = await bench();
    await unpairDevice(undefined, at);
    expect(at.phone.trustedHosts).toEqual([]);
    expect(at.phone.mux.pairRecords.size).toBe(0);
    await unpairDevice(undefined, at);
    expect(await codeOf(Device.connect(undefined, at))).toBe('DEVICE_NOT_PAIRED');
  });

  test('is forgotten on both sides by device.unpair(), which closes the device', async () => {
    await using at = await bench();
    await at.device.unpair();
    expect(at.phone.trustedHosts).toEqual([]);
    expect(at.phone.mux.pairRecords.size).toBe(0);
    expect(await codeOf(at.device.getInfo())).toBe('DEVICE_CLOSED');
  });

  test('goes to another host as an exported record', async () => {
    await using at = await bench();
    const record = await exportPairRecord(at.phone.udid, at);
    await forgetDevice(at.phone.udid, at);
    expect(await exportPairRecord(at.phone.udid, at)).toBeUndefined();
    await importPairRecord(at.phone.udid, record ?? new Uint8Array(), at);
    await using device = await Device.connect(undefined, at);
    expect(device.udid).toBe(at.phone.udid);
  });

  test('is not imported from what is no pair record', async () => {
    await using at = await bench();
    const whole = Buffer.from((await exportPairRecord(at.phone.udid, at)) ?? []).toString();
    const damaged = [
      '',
      'x',
      '<plist><array/></plist>',
      ...['HostID', 'HostCertificate', 'HostPrivateKey', 'DeviceCertificate', 'RootCertificate'].map((key) =>
        whole.replace(`<key>${key}</key>`, '<key>Other</key>'),
      ),
    ];
    for (const text of damaged) {
      const call = importPairRecord(at.phone.udid, Buffer.from(text), at);
      expect(await codeOf(call)).toBe('DEVICE_PAIR_RECORD_INVALID');
    }
  });

  test('that another tool has stored as a binary property list is used as well', async () => {
    await using at = await bench();
    const host = await Host.paired(at.phone);
    const record = writeBinaryPlist({
      ...host.record,
      HostPrivateKey: Buffer.from(host.host.key),
      RootPrivateKey: Buffer.from(host.root.key),
      EscrowBag: host.escrowBag,
    });
    await importPairRecord(at.phone.udid, record, at);
    await using device = await Device.connect(undefined, at);
    expect(await device.getValue('ProductVersion')).toBe('17.4');
  });

  test('is not trusted with the key of another device', async () => {
    await using at = await bench();
    await using other = await bench({ seed: 2 });
    const record = Buffer.from((await exportPairRecord(at.phone.udid, at)) ?? []).toString();
    const wrong = Buffer.from((await exportPairRecord(other.phone.udid, other)) ?? []).toString();
    const certificate = /<key>DeviceCertificate<\/key>\s*<data>[^<]*<\/data>/;
    const forged = record.replace(certificate, certificate.exec(wrong)?.[0] ?? '');
    await at.transport.savePairRecord(at.phone.udid, Buffer.from(forged));
    await expect(Device.connect(undefined, at)).rejects.toMatchObject({
      code: 'DEVICE_IDENTITY_MISMATCH',
      udid: at.phone.udid,
    });
    expect(await codeOf(validatePair(undefined, at))).toBe('DEVICE_IDENTITY_MISMATCH');
    expect(await codeOf(Device.connect(undefined, { ...at, pair: true }))).toBe('DEVICE_IDENTITY_MISMATCH');
  });

  test('with a host key that does not fit the certificate is reported as such', async () => {
    await using at = await bench();
    const record = Buffer.from((await exportPairRecord(at.phone.udid, at)) ?? []).toString();
    const broken = record
      .replace('<key>HostPrivateKey</key>', '<key>X</key>')
      .replace('RootPrivateKey', 'HostPrivateKey');
    await at.transport.savePairRecord(at.phone.udid, Buffer.from(broken));
    expect(await codeOf(Device.connect(undefined, at))).toBe('DEVICE_PAIR_RECORD_INVALID');
  });
});
