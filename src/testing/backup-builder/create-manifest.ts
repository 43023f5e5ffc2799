import { ManifestDatabaseWriter } from './manifest-database.js';
import type { BuildPlan } from './plan.js';

const saltBytes = 16;

/** The Manifest.db that a plan asks for, without rows. */
export async function createManifest(plan: BuildPlan): Promise<ManifestDatabaseWriter> {
  const { password, profile, random } = plan;
  const isObfuscated = profile.generation === 'database-obfuscated' && password !== undefined;
  return await ManifestDatabaseWriter.create({
    ...plan.spec.manifest,
    obfuscation: isObfuscated ? { password, salt: random.fork('obfuscation').bytes(saltBytes) } : undefined,
  });
}
