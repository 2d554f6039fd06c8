import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { File } from '../../../../src/push/queue/disk/file-system.ts';
import { OpenFiles } from '../../../../src/push/queue/disk/open-files.ts';
import { createDisk } from '../simulated-disk.ts';
import { createSimulatedFileSystem } from '../simulated-file-system.ts';

/** With files a to f, and the names of those that are open. */
async function openSome() {
  const disk = createDisk();
  let isBroken = false;
  const inner = createSimulatedFileSystem(disk, {
    fail: (call) => (isBroken && call === 'open' ? 'EMFILE' : undefined),
  });
  await inner.makeDirectory('/');
  for (const name of 'abcdef') await (await inner.create(`/${name}`)).close();
  const open: string[] = [];
  const watch = async (path: string, opening: Promise<File>): Promise<File> => {
    const file = await opening;
    open.push(path);
    return {
      ...file,
      close: async () => {
        open.splice(open.indexOf(path), 1);
        await file.close();
      },
    };
  };
  const files = new OpenFiles({
    ...inner,
    open: (path) => watch(path, inner.open(path)),
    create: (path) => watch(path, inner.create(path)),
  });
  return { files, open, breakDisk: (broken: boolean) => (isBroken = broken) };
}

const sizeOf = (file: File): Promise<number> => file.size();

describe('open files', () => {
  it('are opened once for all who use them at one time, and soon after', async () => {
    const { files, open } = await openSome();
    await Promise.all([files.use('/a', sizeOf), files.use('/a', sizeOf)]);
    await files.use('/a', sizeOf);
    assert.deepEqual(open, ['/a']);
    await files.close();
    assert.deepEqual(open, []);
  });

  it('are few, and those that were used last', async () => {
    const { files, open } = await openSome();
    for (const name of 'abcdcb') await files.use(`/${name}`, sizeOf);
    assert.deepEqual(open.toSorted(), ['/b', '/c']);
    await files.close();
  });

  it('are not closed while they are used: neither when they are forgotten nor at the end', async () => {
    const { files, open } = await openSome();
    for (const leave of [() => files.forget('/a'), () => files.close()]) {
      const end = Promise.withResolvers<number>();
      const begun = Promise.withResolvers<undefined>();
      const using = files.use('/a', () => {
        begun.resolve(undefined);
        return end.promise;
      });
      await begun.promise;
      await leave();
      assert.deepEqual(open, ['/a']);
      end.resolve(7);
      assert.equal(await using, 7);
      assert.deepEqual(open, []);
    }
  });

  it('stay open from when they are made until they are released, or forgotten', async () => {
    const { files, open } = await openSome();
    await files.create('/new');
    for (const name of 'abcdef') await files.use(`/${name}`, sizeOf);
    assert.ok(open.includes('/new'));
    await files.release('/new');
    for (const name of 'abcdef') await files.use(`/${name}`, sizeOf);
    assert.ok(!open.includes('/new'));
    await files.create('/newer');
    await files.forget('/newer');
    assert.ok(!open.includes('/newer'));
    await files.close();
    assert.deepEqual(open, []);
  });

  it('are opened anew after something failed: then more may be allowed', async () => {
    const { files, open } = await openSome();
    const closed: File[] = [];
    const use = (): Promise<never> =>
      files.use('/a', (file) => {
        assert.ok(!closed.includes(file));
        closed.push(file);
        return Promise.reject(new Error('read-only'));
      });
    await assert.rejects(use, /read-only/);
    assert.deepEqual(open, []);
    await assert.rejects(use, /read-only/);
    assert.equal(closed.length, 2);
    await files.close();
    assert.deepEqual(open, []);
  });

  it('are tried anew when they could not be opened', async () => {
    const { files, breakDisk } = await openSome();
    breakDisk(true);
    await Promise.all([1, 2].map(() => assert.rejects(files.use('/a', sizeOf), { code: 'EMFILE' })));
    breakDisk(false);
    assert.equal(await files.use('/a', sizeOf), 0);
    await files.close();
  });
});
