import { errors } from 'undici';

/** What Node's parser of responses reports, as undici's does. */
export function likeUndici(error: Error & { code?: string }): Error {
  if (error.code === 'HPE_HEADER_OVERFLOW') return new errors.HeadersOverflowError();
  return error.code?.startsWith('HPE_') === true ? new errors.HTTPParserError(error.message) : error;
}
