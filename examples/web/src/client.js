// urql's client of the parent who is signed in, and the feed that keeps the home screen fresh.
import { cacheExchange, Client, fetchExchange, mapExchange } from 'urql';
import { follow, SignedOut } from './guide.js';

/** @param {import('./guide.js').Session} session @param {() => void} signedOut */
export function makeClient(session, signedOut) {
  return new Client({
    url: session.url,
    fetch: session.fetch,
    preferGetMethod: false,
    fetchSubscriptions: true, // as a stream: for those that follow does not read
    exchanges: [
      mapExchange({ onError: ({ networkError }) => void (networkError instanceof SignedOut && signedOut()) }),
      cacheExchange,
      fetchExchange,
    ],
  });
}

export const HOME = `query Home {
  me { id firstName }
  childUsers {
    id firstName
    device { id uniqueId deviceAlias lastLogFileId }
  }
}`;

/** @param {Client} client @param {import('./guide.js').Session} session @param {Partial<import('./guide.js').Listener>} [listener] */
export function keepFresh(client, session, listener) {
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
  return follow(session, {
    ...listener,
    ready: () => (listener?.ready?.(), read()),
    next: (event, how) => (listener?.next?.(event, how), read()),
  });
}
