import type { SeededRandom } from './seeded-random.js';

/** Somebody who does not exist. */
export interface SamplePerson {
  readonly givenName: string;
  readonly familyName: string;
  /** E.164, of the range 555-0100 to 555-0199 that is reserved for fiction. */
  readonly phone: string;
  /** At example.org, which is reserved too. */
  readonly email: string;
  /** `YYYY-MM-DD` */
  readonly birthday: string;
}

const givenNames =
  'Alma Bruno Chloé Dmitri Esra Farid Greta Hugo Imani Jonas Kiri Luís Mei Noor Orla Pavel Quinn Rosa Sven Tariq Uma Viktor Wanda Ximena Yusuf Zoë'.split(
    ' ',
  );
const familyNames =
  'Ashworth Brandt Castellan Duarte Eriksen Farrow Grünwald Hollis Ibarra Jansen Kowal Lindqvist Moreau Novak Okafor Petrov Quigley Rahimi Sørensen Tanaka'.split(
    ' ',
  );
/** Area codes for the reserved numbers, of which each has a hundred. */
const areaCodes = ['202', '212', '303', '312', '404', '415', '503', '617', '702', '808'];

const pad = (value: number): string => String(value).padStart(2, '0');

const asciiName = (name: string): string =>
  name.normalize('NFD').replaceAll(/\p{M}/gu, '').replaceAll('ø', 'o').toLowerCase();

/** People with different numbers and addresses, as far as a thousand numbers go. */
export function samplePeople(count: number, random: SeededRandom): SamplePerson[] {
  return Array.from({ length: count }, (_unused, index) => {
    const givenName = givenNames[index % givenNames.length] ?? 'Alma';
    const familyName = random.pick(familyNames);
    const areaCode = areaCodes[Math.floor(index / 100) % areaCodes.length] ?? '202';
    const suffix = index < givenNames.length ? '' : String(index);
    return {
      givenName,
      familyName,
      phone: `+1${areaCode}55501${pad(index % 100)}`,
      email: `${asciiName(givenName)}.${asciiName(familyName)}${suffix}@example.org`,
      birthday: `${random.between(1950, 2005)}-${pad(random.between(1, 12))}-${pad(random.between(1, 28))}`,
    };
  });
}
