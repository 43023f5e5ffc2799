/** What stands in README.txt of a store, for people who have nothing but a file manager. */
export const readmeText = `This folder keeps earlier versions of the iPhone and iPad backups beside it.
Made by ios-backup-kit; its documentation describes every byte (docs/format/snapshot-store.md).

DO NOT change, rename or delete single files here: versions share them.

The newest backup of each device is the folder beside this one that is named after the device (its UDID).
It is an ordinary backup, which any tool opens.

To get an earlier version:

    ios-backup versions list LOCATION
    ios-backup versions open LOCATION VERSION

Without that program:

  - objects/ab/abcd... are plain files, named after the SHA-256 of what is in them. Copy the one you need with cp and give it
    the name that it had: "sha256sum" of a file gives the name to look for.
  - devices/UDID/versions/*.ver lists the files of one version: for each its path in the backup, then 32 bytes that are the
    name of its object. "strings" shows the paths; tables/ holds lists that several versions share.
  - packs/ hold small files and differences of large ones; they need the program, or the page named above.

Leave this folder out of other backup programs only if you do not mind losing the history with this disk.
`;
