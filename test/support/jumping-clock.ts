/** Loaded into a process with `--import`: from its start its wall clock jumps an hour ahead, back, an hour behind, and back, for ever. */
import { setInterval } from 'node:timers';

const JUMP_EVERY_MS = 300;
const HOUR_MS = 3_600_000;
const SHIFTS_MS = [0, HOUR_MS, 0, -HOUR_MS];

const RealDate = Date;
let jumps = 0;
const now = (): number => RealDate.now() + (SHIFTS_MS[jumps % SHIFTS_MS.length] ?? 0);

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self) as Date,
  get: (target, key, self) => (key === 'now' ? now : (Reflect.get(target, key, self) as unknown)),
});
setInterval(() => jumps++, JUMP_EVERY_MS).unref();
