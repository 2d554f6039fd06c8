import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTextCleaner } from '../../../src/push/transports/receiver-text.ts';

describe('what a receiver says', () => {
  const clean = createTextCleaner({
    authorization: 'Bearer s3cr3t-token',
    'x-tenant': 'eu',
    cookie: 'id=abcdef; b=123456',
    'proxy-authorization': `Basic ${Buffer.from('somebody:pa"ss/word').toString('base64')}`,
  });

  const texts: Record<string, readonly [given: string, kept: string]> = {
    'is kept as it is': ['no such tenant: ü €', 'no such tenant: ü €'],
    'has one line, without control characters': ['\u001b[31ma\r\n\tb\u0000\u2028c\u202e ', '[31ma b c'],
    'does not have the value of a header': ['cannot use "Bearer s3cr3t-token"', 'cannot use "***"'],
    'does not have a token of a header': ['bad token s3cr3t-token, s3cr3t-token', 'bad token ***, ***'],
    'does not have a part of a cookie': ['got id=abcdef', 'got id=***'],
    'does not have the value of a cookie': ['no session abcdef', 'no session ***'],
    'does not have Basic credentials that were read': ['who is somebody:pa"ss/word?', 'who is ***?'],
    'does not have one of the two': ['bad password pa"ss/word', 'bad password ***'],
    'does not have a secret as JSON has it': [String.raw`{"got":"pa\"ss\/word"}`, '{"got":"***"}'],
    'does not have a secret as a URL has it': ['?p=pa%22ss%2Fword', '?p=***'],
    'has no time that makes it another each time': ['Protocol error (2026-11-28T13:19:20.974Z)', 'Protocol error'],
    'is what is wrong with TLS, not where': [
      '40E3A3374A7F0000:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:../deps/a.c:80:',
      'TLS: wrong version number',
    ],
    'may have what is too short for a secret': ['no such tenant: eu', 'no such tenant: eu'],
    'may be empty': ['', ''],
  };
  for (const [name, [given, kept]] of Object.entries(texts)) it(name, () => assert.equal(clean(given), kept));

  it('is of bounded length', () => {
    assert.equal(clean('x'.repeat(1e6)), `${'x'.repeat(299)}…`);
    assert.equal(clean('x'.repeat(300)), 'x'.repeat(300));
  });

  it('is not read to the end where it is long', () => {
    assert.equal(clean(`${' '.repeat(8_000)}here`), 'here');
    assert.equal(clean(`${' '.repeat(9_000)}there`), '');
  });

  it('does not have a part of a secret at the place where it is not read any more', () => {
    for (let before = 8_100; before < 8_300; before++)
      assert.doesNotMatch(clean(`${' '.repeat(before)}s3cr3t-token${' '.repeat(500)}`), /s3/);
  });

  it('does not have a part of a secret at the place where it is cut', () => {
    for (let before = 280; before < 300; before++) {
      assert.doesNotMatch(clean(`${'x'.repeat(before)}s3cr3t-token and more and more and more`), /s3c/);
      assert.doesNotMatch(clean(`${' '.repeat(6_000 - before)}s3cr3t-token${'x'.repeat(before)}`), /s3c/);
    }
  });
});
