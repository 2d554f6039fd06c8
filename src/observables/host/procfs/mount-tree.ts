/** Where a mount is, as /proc/PID/mountinfo has it. */
export interface MountPlace {
  readonly id: string;
  /** Of the mount that its mount point is on; the topmost have themselves, or one that is not listed. */
  readonly parentId: string;
  readonly mountPoint: string;
}

/**
 * The mounts that their mount point leads to: what is asked of the path of another one is answered by the one that hides it. It is hidden
 * by a later one on itself, by one on a directory above its mount point, or with the mount that it is on. df leaves them out, too.
 *
 * @returns one at most of each mount point.
 */
export function reachable<Place extends MountPlace>(mounts: readonly Place[]): Place[] {
  const byId = new Map(mounts.map((mount) => [mount.id, mount]));
  const pointsOn = new Map<string, Set<string>>();
  for (const { id, parentId, mountPoint } of mounts) {
    if (id === parentId) continue;
    const points = pointsOn.get(parentId) ?? new Set();
    pointsOn.set(parentId, points.add(mountPoint));
  }
  const isOn = (id: string, mountPoint: string): boolean => pointsOn.get(id)?.has(mountPoint) ?? false;

  const hidden = new Map<string, boolean>();
  const isHidden = (mount: Place): boolean => {
    // Up to what is known, and down again. What claims to be its own ancestor is looked at once.
    const trail: Place[] = [];
    for (let at: Place | undefined = mount; at && !hidden.has(at.id); at = byId.get(at.parentId)) {
      const { id, parentId, mountPoint } = at;
      hidden.set(
        id,
        directoriesAbove(mountPoint).some((directory) => isOn(parentId, directory)),
      );
      trail.push(at);
    }
    for (const { id, parentId } of trail.reverse()) {
      if (hidden.get(parentId)) hidden.set(id, true);
    }
    return hidden.get(mount.id) ?? false;
  };

  const shown = mounts.filter((mount) => !isOn(mount.id, mount.mountPoint) && !isHidden(mount));
  return Array.from(new Map(shown.map((mount) => [mount.mountPoint, mount])).values());
}

/** Of `/a/b`: `/` and `/a`. */
function directoriesAbove(path: string): string[] {
  if (path === '/') return [];
  const steps = path.split('/').slice(1, -1);
  return ['/', ...steps.map((_, index) => `/${steps.slice(0, index + 1).join('/')}`)];
}
