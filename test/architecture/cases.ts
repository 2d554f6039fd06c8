import {
  everyFileHasAFloor,
  examplesStandAlone,
  importsGoDown,
  instrumentsComeFromOnePlace,
  lowFloorsArePure,
  namedExportsOnly,
  namesSaySomething,
  noCycles,
  noDeadFiles,
  noInheritance,
  processIsReadAtTheTop,
  sizesOnlyFall,
  type Rule,
} from './rules.ts';

export interface Case {
  readonly rule: Rule;
  /** Path -> text, small worlds that break the rule, and what is said about them. */
  readonly broken: Readonly<Record<string, { files: Readonly<Record<string, string>>; says: readonly string[] }>>;
  /** And one that comes close and keeps it. */
  readonly kept: Readonly<Record<string, string>>;
}

export const cases: Record<string, Case> = {
  'imports go down, and never to a sibling': {
    rule: importsGoDown,
    broken: {
      'an import from above': {
        files: { 'src/http/a.ts': "import { b } from '../pull/b.ts';" },
        says: ['src/http/a.ts: imports src/pull/b.ts, which is above it'],
      },
      'a type of a sibling': {
        files: { 'src/pull/a.ts': "import type { B } from '../push/b.ts';" },
        says: ['src/pull/a.ts: imports src/push/b.ts, which is a sibling'],
      },
      'a type inline, an export on, a dynamic import and a worker': {
        files: {
          'src/std/a.ts': "export type A = import('../metric/b.ts').B;",
          'src/metric/a.ts': "export { b } from '../telemetry/b.ts';",
          'src/telemetry/a.ts': "void import('../gateway.ts');",
          'src/http/a.ts': "new Worker(new URL('../serving/b.ts', import.meta.url));",
        },
        says: [
          'src/std/a.ts: imports src/metric/b.ts, which is a sibling',
          'src/metric/a.ts: imports src/telemetry/b.ts, which is above it',
          'src/telemetry/a.ts: imports src/gateway.ts, which is above it',
          'src/http/a.ts: imports src/serving/b.ts, which is above it',
        ],
      },
      'a test': {
        files: { 'src/cli/a.ts': "import { b } from '../../test/b.ts';" },
        says: ['src/cli/a.ts: imports test/b.ts, which is on no floor'],
      },
    },
    kept: {
      'bin/metergate.js':
        "import(new URL('../src/main.ts', import.meta.url)); new URL('../dist/src/main.js', import.meta.url);",
      'src/main.ts': "import { runCli } from './cli/index.ts';",
      'src/cli/index.ts': "import { createGateway } from '../gateway.ts'; // import '../main.ts'",
      'src/serving/proxy/a.ts': "import { b } from '../protocols/b.ts'; import { c } from '../../std/c.ts';",
    },
  },
  'every file is on a floor': {
    rule: everyFileHasAFloor,
    broken: { 'a new folder': { files: { 'src/misc/a.ts': '' }, says: ['src/misc/a.ts: is on no floor'] } },
    kept: { 'src/std/a.ts': '', 'src/gateway.ts': '', 'examples/a/b.ts': '' },
  },
  'examples stand alone': {
    rule: examplesStandAlone,
    broken: {
      'an example on src': {
        files: { 'examples/a/b.ts': "import { c } from '../../src/std/c.ts';" },
        says: ['examples/a/b.ts: imports src/std/c.ts'],
      },
      'src on an example': {
        files: { 'src/cli/serve.ts': "import { b } from '../../examples/a/b.ts';" },
        says: ['src/cli/serve.ts: imports examples/a/b.ts'],
      },
    },
    kept: {
      'src/cli/demo/index.ts': "import { b } from '../../../examples/a/b.ts';",
      'examples/a/b.ts': "import { c } from './c.ts'; import model from './model.json' with { type: 'json' };",
    },
  },
  'no files import each other in a circle': {
    rule: noCycles,
    broken: {
      'two files, one by a type': {
        files: { 'src/a.ts': "import './b.ts';", 'src/b.ts': "import type { A } from './a.ts';" },
        says: ['src/a.ts -> src/b.ts -> src/a.ts'],
      },
      'three files behind another': {
        files: {
          'src/0.ts': "import './a.ts';",
          'src/a.ts': "import './b.ts';",
          'src/b.ts': "import './c.ts';",
          'src/c.ts': "void import('./a.ts');",
        },
        says: ['src/a.ts -> src/b.ts -> src/c.ts -> src/a.ts'],
      },
    },
    kept: { 'src/a.ts': "import './b.ts'; import './c.ts';", 'src/b.ts': "import './c.ts';", 'src/c.ts': '' },
  },
  'every file of src is reached from the command': {
    rule: noDeadFiles,
    broken: {
      'files that only import each other': {
        files: { 'bin/metergate.js': '', 'src/a.ts': "import './b.ts';", 'src/b.ts': '' },
        says: ['src/a.ts: nothing imports it', 'src/b.ts: nothing imports it'],
      },
    },
    kept: {
      'bin/metergate.js': "const entry = new URL('../src/main.ts', import.meta.url);",
      'src/main.ts': "await import('./a.ts');",
      'src/a.ts': "import type { B } from './b.ts';",
      'src/b.ts': '',
    },
  },
  'floors 0 and 1 are pure': {
    rule: lowFloorsArePure,
    broken: {
      'a clock, a log and the environment': {
        files: {
          'src/metric/a.ts': "Date.now(); new Date(); performance.now(); globalThis.console.log('b');",
          'src/exposition/a.ts': "process.cwd(); const { env } = process; fetch('http://b'); setTimeout(() => {}, 1);",
          'src/otlp/a.ts': "import 'node:fs'; import { z } from 'zod';",
          'src/std/a.ts': 'Date.now(); console.log(1);',
        },
        says: [
          'src/metric/a.ts: uses Date.now',
          'src/metric/a.ts: uses new Date',
          'src/metric/a.ts: uses performance.now',
          'src/metric/a.ts: uses console',
          'src/exposition/a.ts: uses process.cwd',
          'src/exposition/a.ts: uses process.env',
          'src/exposition/a.ts: uses fetch',
          'src/exposition/a.ts: uses setTimeout',
          'src/otlp/a.ts: uses node:fs',
          'src/otlp/a.ts: uses zod',
          'src/std/a.ts: uses Date.now',
          'src/std/a.ts: uses console.log',
        ],
      },
    },
    kept: {
      'src/std/a.ts': 'performance.now(); clearTimeout(setTimeout(() => {}, 1));',
      'src/metric/a.ts': "import '@opentelemetry/core'; new Date(0); a.process.env; ({ console: 1 }); // Date.now()",
      'src/http/a.ts': "import 'node:http'; Date.now();",
    },
  },
  'the environment, arguments, exit and signals are taken at the top': {
    rule: processIsReadAtTheTop,
    broken: {
      'every way to them': {
        files: {
          'src/push/a.ts': "process.env.A; process['argv']; process.on('SIGTERM', () => {});",
          'src/gateway.ts': 'const { exit: leave } = process; process.exitCode = 1;',
          'src/http/a.ts': "import { env } from 'node:process';",
        },
        says: [
          'src/push/a.ts: uses process.env',
          'src/push/a.ts: uses process.argv',
          'src/push/a.ts: uses process.on',
          'src/gateway.ts: uses process.exit',
          'src/gateway.ts: uses process.exitCode',
          'src/http/a.ts: uses node:process',
        ],
      },
    },
    kept: {
      'src/main.ts': 'process.exitCode = process.argv.length;',
      'src/cli/a.ts': 'process.exit(1);',
      'src/config/a.ts': 'process.env.A;',
      'src/telemetry/a.ts': 'process.versions.node; process.nextTick(() => {}); options.process.env;',
    },
  },
  'no name of a file or folder is without a noun': {
    rule: namesSaySomething,
    broken: {
      'a folder and two files': {
        files: { 'src/utils/a.ts': '', 'src/http/helpers.ts': '', 'examples/a/manager.ts': '' },
        says: ['src/utils/a.ts', 'src/http/helpers.ts', 'examples/a/manager.ts'].map(
          (path) => `${path}: is a name without a noun`,
        ),
      },
    },
    kept: { 'src/http/library.ts': '', 'src/core-count.ts': '', 'src/std/utilization.ts': '' },
  },
  'exports are named': {
    rule: namedExportsOnly,
    broken: {
      'three ways': {
        files: {
          'src/a.ts': 'export default function a() {}',
          'src/b.ts': 'export default 1;',
          'src/c.ts': 'const c = 1; export { c as default };',
        },
        says: ['src/a.ts: has a default export', 'src/b.ts: has a default export', 'src/c.ts: has a default export'],
      },
    },
    kept: { 'src/a.ts': "import b from 'b'; export { b }; switch (b) { default: }" },
  },
  'classes do not inherit': {
    rule: noInheritance,
    broken: {
      'a base class': {
        files: { 'src/a.ts': 'class B {} export class C extends B {}; const d = class extends e.F {};' },
        says: ['src/a.ts: a class extends B', 'src/a.ts: a class extends e.F'],
      },
    },
    kept: {
      'src/a.ts': 'interface B extends C {} class D extends Error implements E {} class F extends EventEmitter {}',
    },
  },
  'instruments are created in telemetry/instruments.ts': {
    rule: instrumentsComeFromOnePlace,
    broken: {
      'a counter of its own': {
        files: { 'src/pull/a.ts': "meter.createCounter('a');" },
        says: ['src/pull/a.ts: calls createCounter'],
      },
    },
    kept: {
      'src/telemetry/instruments.ts': "meter.createCounter('a'); meter.createObservableGauge('b');",
      'src/pull/a.ts': "instruments.counter('a');",
    },
  },
  'sizes only fall': {
    rule: sizesOnlyFall({ longest: 230, over200: 1 }),
    broken: {
      'a longer file': {
        files: { 'src/a.ts': '\n'.repeat(231) },
        says: ['the longest file: 240 exceeds 230: src/a.ts (231)'],
      },
      'another long file': {
        files: { 'src/a.ts': '\n'.repeat(230), 'src/b.ts': '\n'.repeat(201) },
        says: ['files over 200 lines: 2 exceeds 1: src/a.ts (230), src/b.ts (201)'],
      },
      'limits that nothing needs any more': {
        files: { 'src/a.ts': '\n'.repeat(200) },
        says: ['the longest file: lower the limit of 230 to 200', 'files over 200 lines: lower the limit of 1 to 0'],
      },
    },
    kept: { 'src/a.ts': '\n'.repeat(225), 'src/b.ts': '\n', 'src/telemetry/catalogue/host.ts': '\n'.repeat(500) },
  },
};
