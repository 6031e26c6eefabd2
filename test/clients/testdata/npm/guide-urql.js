// What docs/guides shows of an app with urql. guide-clients-test.js runs it.
import { cacheExchange, Client, fetchExchange } from '@urql/core';
import { follow } from './guide.js';

/** @param {import('./guide.js').Session} session */
export function makeClient(session) {
  return new Client({
    url: session.url,
    fetch: session.fetch,
    preferGetMethod: false,
    fetchSubscriptions: true, // as a stream: for those that follow does not read
    exchanges: [cacheExchange, fetchExchange],
  });
}

const HOME = `query Home { childUsers { id device { id lastLogFileId } } }`;

/** @param {Client} client @param {import('./guide.js').Session} session @param {string} [after] */
export function keepFresh(client, session, after) {
  let [isReading, isOld] = [false, false];
  const read = async () => {
    isOld = true;
    if (isReading) return; // what that gives may be older than the event, so it is read once more behind it
    isReading = true;
    while (isOld) {
      isOld = false;
      await client.query(HOME, {}, { requestPolicy: 'network-only' }).toPromise();
    }
    isReading = false;
  };
  return follow(session, { after, ready: read, next: read });
}
