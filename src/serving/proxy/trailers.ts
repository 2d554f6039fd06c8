/**
 * Fields that say something about framing, routing, authentication, how to process the request or what its content is: whoever merged
 * them into the headers would get another request than the one that was checked.
 *
 * Source: RFC 9110 section 6.5.1, and the list of RFC 7230 section 4.1.2
 */
const NEVER_TRAILERS = new Set([
  ...['transfer-encoding', 'content-length', 'host', 'connection', 'keep-alive', 'te', 'trailer', 'upgrade', 'expect'],
  ...['authorization', 'www-authenticate', 'authentication-info', 'cookie', 'set-cookie', 'http2-settings'],
  ...['cache-control', 'pragma', 'max-forwards', 'range', 'via', 'forwarded', 'x-real-ip'],
  ...['content-encoding', 'content-type', 'content-range', 'content-location'],
]);
const NEVER_TRAILERS_PREFIX = /^(?:if-|proxy-|x-forwarded-|sec-)/;

/** @param headers of the message that they are behind. @returns whether a field of that name may pass. */
export function trailerFilter({
  connection = '',
}: {
  readonly connection?: string | string[] | undefined;
}): (name: string) => boolean {
  const nominated = new Set(
    String(connection)
      .split(',')
      .map((option) => option.trim().toLowerCase()),
  );
  return (name) => {
    const lower = name.toLowerCase();
    return !NEVER_TRAILERS.has(lower) && !NEVER_TRAILERS_PREFIX.test(lower) && !nominated.has(lower);
  };
}
