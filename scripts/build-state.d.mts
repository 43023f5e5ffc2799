/** The folder of the project. */
export const root: string;
/** When a file was changed, in milliseconds; 0 where there is none. */
export function changed(path: string): number;
/** Whether dist is there, whole, and newer than all that it is made from. */
export function isBuilt(): boolean;
