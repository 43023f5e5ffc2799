import { createPublicKey, generateKeyPair, randomUUID, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { plainView, utf8Decode } from '../../core/bytes.js';
import { ProtocolError } from '../../core/errors.js';
import type { PairRecord } from './pair-record.js';

/* FORMAT facts: docs/format/lockdown.md, "Certificates". */

const validYears = 10;
const keyBits = 2048;
const sha256WithRsa = '1.2.840.113549.1.1.11';

/** What a new pairing is made of. */
export interface Pairing {
  /** `DevicePublicKey`: PEM, PKCS#1 as devices give it. */
  readonly devicePublicKey: Uint8Array;
  readonly systemBuid: string;
  readonly wifiMacAddress: string | undefined;
}

/**
 * Makes the keys and certificates of a new pairing, and a new name of this host for it. The escrow bag comes from the device.
 *
 * @throws ProtocolError `PROTOCOL_MALFORMED` where the device's key is none
 */
export async function createPairRecord({ devicePublicKey, systemBuid, wifiMacAddress }: Pairing): Promise<PairRecord> {
  const deviceKey = readPublicKey(devicePublicKey);
  const [root, host, issue] = await Promise.all([newKeyPair(), newKeyPair(), certificateIssuer()]);
  const issuer = root.privateKey;
  return {
    hostId: randomUUID().toUpperCase(),
    systemBuid,
    deviceCertificate: issue({ subject: deviceKey, issuer, isAuthority: false }),
    hostCertificate: issue({ subject: host.publicKey, issuer, isAuthority: false }),
    hostPrivateKey: privateKeyPem(host.privateKey),
    rootCertificate: issue({ subject: root.publicKey, issuer, isAuthority: true }),
    rootPrivateKey: privateKeyPem(root.privateKey),
    escrowBag: undefined,
    wifiMacAddress,
  };
}

async function newKeyPair(): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  return await promisify(generateKeyPair)('rsa', { modulusLength: keyBits });
}

function privateKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function readPublicKey(pem: Uint8Array): KeyObject {
  try {
    return createPublicKey(utf8Decode(pem));
  } catch (cause) {
    throw new ProtocolError('PROTOCOL_MALFORMED', 'The public key of the device cannot be read', {
      protocol: 'lockdown',
      cause,
    });
  }
}

/** Issues certificates without names, as devices expect them. The ASN.1 library is loaded only where one pairs. */
async function certificateIssuer(): Promise<
  (request: { subject: KeyObject; issuer: KeyObject; isAuthority: boolean }) => string
> {
  const [asn1, x509] = await Promise.all([import('@peculiar/asn1-schema'), import('@peculiar/asn1-x509')]);
  const { AsnConvert, OctetString } = asn1;
  const algorithm = new x509.AlgorithmIdentifier({ algorithm: sha256WithRsa, parameters: null });
  const notBefore = new Date();
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + validYears);
  const critical = (extnID: string, value: unknown): InstanceType<typeof x509.Extension> =>
    new x509.Extension({ extnID, critical: true, extnValue: new OctetString(AsnConvert.serialize(value)) });
  const usage = x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment;

  return ({ subject, issuer, isAuthority }) => {
    const tbsCertificate = new x509.TBSCertificate({
      version: x509.Version.v3,
      serialNumber: Uint8Array.of(1).buffer,
      signature: algorithm,
      issuer: new x509.Name(),
      subject: new x509.Name(),
      validity: new x509.Validity({ notBefore, notAfter }),
      subjectPublicKeyInfo: AsnConvert.parse(
        plainView(subject.export({ type: 'spki', format: 'der' })),
        x509.SubjectPublicKeyInfo,
      ),
      extensions: new x509.Extensions([
        critical(x509.id_ce_basicConstraints, new x509.BasicConstraints({ cA: isAuthority })),
        ...(isAuthority ? [] : [critical(x509.id_ce_keyUsage, new x509.KeyUsage(usage))]),
      ]),
    });
    const signature = sign('sha256', new Uint8Array(AsnConvert.serialize(tbsCertificate)), issuer);
    const certificate = new x509.Certificate({
      tbsCertificate,
      signatureAlgorithm: algorithm,
      signatureValue: new Uint8Array(signature).buffer,
    });
    return new X509Certificate(new Uint8Array(AsnConvert.serialize(certificate))).toString();
  };
}
