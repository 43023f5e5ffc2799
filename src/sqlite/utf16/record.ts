import { ByteReader } from '../../core/bytes.js';
import type { SqliteValue } from '../driver.js';
import { exactInteger } from '../parameters.js';

/** A number of one to nine bytes, signed. Source: https://www.sqlite.org/fileformat2.html#varint */
export function readVarint(reader: ByteReader): bigint {
  let value = 0n;
  for (let i = 0; i < 8; i++) {
    const byte = reader.u8();
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) return BigInt.asIntN(64, value);
  }
  return BigInt.asIntN(64, (value << 8n) | BigInt(reader.u8()));
}

/** The values of one record. Source: https://www.sqlite.org/fileformat2.html#record_format */
export function decodeRecord(record: Uint8Array, decodeText: (bytes: Uint8Array) => string): SqliteValue[] {
  const types = new ByteReader(record, 'sqlite');
  const headerLength = Number(readVarint(types));
  const body = new ByteReader(record, 'sqlite');
  body.seek(headerLength);
  const values: SqliteValue[] = [];
  while (types.offset < headerLength) values.push(readValue(Number(readVarint(types)), body, decodeText));
  return values;
}

function readValue(serialType: number, body: ByteReader, decodeText: (bytes: Uint8Array) => string): SqliteValue {
  switch (serialType) {
    case 0:
      return null;
    case 1:
      return body.i8();
    case 2:
      return body.i16();
    case 3:
      return body.i8() * 0x1_0000 + body.u16();
    case 4:
      return body.i32();
    case 5:
      return body.i16() * 0x1_0000_0000 + body.u32();
    case 6:
      return exactInteger(body.i64());
    case 7:
      return body.f64();
    case 8:
      return 0;
    case 9:
      return 1;
  }
  const isText = serialType % 2 === 1;
  const bytes = body.bytes((serialType - (isText ? 13 : 12)) / 2);
  return isText ? decodeText(bytes) : bytes.slice();
}
