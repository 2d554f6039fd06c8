import { spawnSync } from 'node:child_process';
import type { Systeminformation } from 'systeminformation';
import type { Answers, CpuAnswer, Question } from './answers.ts';
import { tapNvidiaSmi } from './nvidia-smi-tap.ts';

// The program of a process of its own, in which systeminformation runs. Its functions start programs and wait for them without an end,
// some with the event loop stopped: a dead NFS server or a hung driver would hang whoever calls them. And they share state in their
// module: calls that overlap answer NaN. It takes a `Question` as a message, sends the answer as one, and is asked one at a time.

const nvidiaSmi = tapNvidiaSmi();
const nextMoment = stopClock();
const systeminformation = await import('systeminformation');
const answers = createAnswers();

process.on('message', (question: Question) => {
  nextMoment();
  // Should it reject after all, this process ends, as it does when systeminformation throws where nobody can catch it.
  void answers[question]().then((answer) => process.send?.(answer));
});
// Nobody is left to ask; what it has started is not to outlive it. Elsewhere there are no groups of processes.
process.on('disconnect', () => (process.platform === 'win32' ? process.exit() : process.kill(-process.pid, 'SIGKILL')));

/**
 * Makes the wall clock of this process stand still but for a minute from question to question. systeminformation repeats what it said
 * before when it is asked again within 200 or 500 ms on the wall clock, also when that was set back: so it never does. And its first
 * `currentLoad()` asks itself twice, half a second apart, to say what the CPUs did in between: so it says what they did since the start.
 */
function stopClock(): () => void {
  let nowMs = 0;
  Date.now = () => nowMs;
  return () => (nowMs += 60_000);
}

function createAnswers(): { [Q in Question]: () => Promise<Answers[Q]> } {
  const { currentLoad, mem, fsSize, networkStats, graphics } = systeminformation;
  const cpu = createCpuTime();
  return {
    cpu: async () => cpu(await currentLoad()),
    memory: mem,
    filesystems: () => fsSize(),
    networkInterfaces: () => networkStats('*'),
    gpus: async () => {
      // On a platform that it does not know, it answers null, of which its types know nothing.
      const { controllers = [] } = ((await graphics()) as Systeminformation.GraphicsData | null) ?? {};
      return { controllers, missing: controllers.length === 0 ? missingTool() : undefined, nvidiaSmi: nvidiaSmi() };
    },
  };
}

/**
 * The raw fields of `currentLoad()` are increments in milliseconds since the call before, the first of them since the machine started,
 * so that their sum is the time in a mode. What it calls percentages adds jiffies (steal, guest) to milliseconds, counts guests twice
 * and does not know I/O wait and softirq.
 */
function createCpuTime(): (load: Systeminformation.CurrentLoadData) => CpuAnswer {
  let timeMs = { user: 0, nice: 0, system: 0, idle: 0, interrupt: 0 };
  return (load) => {
    timeMs = {
      user: timeMs.user + load.rawCurrentLoadUser,
      nice: timeMs.nice + load.rawCurrentLoadNice,
      system: timeMs.system + load.rawCurrentLoadSystem,
      idle: timeMs.idle + load.rawCurrentLoadIdle,
      interrupt: timeMs.interrupt + load.rawCurrentLoadIrq,
    };
    return { logicalCount: load.cpus.length, timeMs };
  };
}

/** On Linux, `graphics()` finds GPUs by `lspci` only, those of NVIDIA, too. */
function missingTool(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const { error } = spawnSync('lspci', ['-n'], { stdio: 'ignore' });
  return error !== undefined && 'code' in error && error.code === 'ENOENT' ? 'lspci' : undefined;
}
