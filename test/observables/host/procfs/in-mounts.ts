/** Samples the filesystems below a root for a test that made mounts: arguments are the root and a type. Prints JSON. */
import { createFilesystemGroup } from '../../../../src/observables/host/procfs/filesystem.ts';
import { sampleOf } from '../sample.ts';

const [, , root = '/', type = ''] = process.argv;
const group = createFilesystemGroup({ root, filesystems: { types: [type], excluded: [] } });
const { values, reports } = await sampleOf(group);
process.stdout.write(JSON.stringify({ limits: values['system.filesystem.limit'] ?? {}, reports }));
