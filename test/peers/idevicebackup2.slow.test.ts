import { backUpAndRestore } from './idevicebackup2-suite.js';

backUpAndRestore({
  generations: ['9.3.5', '10.1', '15.7', '17.4'],
  restoreFlags: [
    '',
    '--system',
    '--settings',
    '--copy',
    '--no-reboot',
    '--skip-apps',
    '--remove',
    '--system --settings --copy --no-reboot --skip-apps --remove',
  ],
});
