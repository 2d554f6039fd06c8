const LENGTH_MAX = 300;

/** What is longer is not looked at, since that takes its time: a receiver may say megabytes. */
const READ_LENGTH_MAX = 8192;

/** Shorter than a credential can be; a header of that length may be part of any sentence. */
const SECRET_LENGTH_MIN = 6;

/** Makes of what a receiver, or an error about it, says what may be logged: one line of bounded length, without what the headers hold. */
export type TextCleaner = (text: string) => string;

/** @param headers of the requests: receivers repeat what they do not like, a token with them. */
export function createTextCleaner(headers: Readonly<Record<string, string>>): TextCleaner {
  const secrets = Object.values(headers)
    .flatMap((value) => [value, ...partsOf(value)])
    .flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
    .flatMap((secret) => [secret, secret.replaceAll('/', '\\/')])
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    .sort((a, b) => b.length - a.length);
  const longest = secrets[0]?.length ?? 0;
  return (text) => {
    // Before anything is cut off: a part of a secret is not found. At the end of a text that is too long may be one.
    const read = text.slice(0, READ_LENGTH_MAX + longest);
    const whole = secrets.reduce((kept, secret) => kept.replaceAll(secret, '***'), read);
    const open = read.length < text.length ? whole.slice(0, whole.length - longest) : whole;
    const line = withoutNoise(open.replaceAll(/[\p{C}\s]+/gu, ' ').trim());
    return line.length <= LENGTH_MAX ? line : `${line.slice(0, LENGTH_MAX - 1)}…`;
  };
}

/**
 * OpenSSL has the address of its code and a path of its build in its words, and grpc-js the time: never the same twice. Node.js has the advice to
 * start it in another way.
 */
function withoutNoise(text: string): string {
  return text
    .replace(/(Error: )?\b[\dA-F]+:error:[\dA-F]+:SSL routines:[^:]*:([^:]+):.*$/, 'TLS: $2')
    .replace('; if the root CA is installed locally, try running Node.js with --use-system-ca', '')
    .replaceAll(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/g, '');
}

/** The token of `Bearer TOKEN` by itself, the value of a cookie, and what Basic credentials are when they are read. */
function partsOf(value: string): string[] {
  const basic = /^basic\s+(\S+)$/i.exec(value)?.[1];
  const pair = basic === undefined ? [] : [Buffer.from(basic, 'base64').toString()];
  return [...pair, ...pair.flatMap((text) => text.split(':')), ...value.split(/[\s,;=&"]+/)];
}
