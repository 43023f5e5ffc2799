// tsx bench/store/churn.ts FOLDER [DAYS]: days of use of a phone that generate.ts has made, each with a backup at its end.
import { Device } from './device.js';

const [folder, days = '1'] = process.argv.slice(2);
if (folder === undefined) throw new Error('Usage: churn.ts FOLDER [DAYS]');
const device = await Device.load(folder);
for (let n = Number(days); n > 0; n -= 1) {
  const pages = await device.churn();
  console.log(JSON.stringify({ day: device.day, ...pages }));
}
