// What docs/guides shows of an app with Apollo Client. guide-clients-test.js runs it.
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { follow } from './guide.js';

/** @param {import('./guide.js').Session} session */
export function makeClient(session) {
  return new ApolloClient({
    link: new HttpLink({ uri: session.url, fetch: session.fetch }),
    cache: new InMemoryCache({
      typePolicies: {
        ChildUser: { fields: { devlogs: relayStylePagination(['updatedAfter']) } },
      },
    }),
  });
}

const LAST_LOG = gql`
  fragment LastLog on Device {
    lastLogFileId
  }
`;

/** @param {ApolloClient} client @param {import('./guide.js').Session} session @param {Partial<import('./guide.js').Listener>} [listener] */
export function keepFresh(client, session, listener) {
  /** @type {Promise<unknown>} */
  let read = Promise.resolve();
  return follow(session, {
    ...listener,
    ready: () => {
      read = client.refetchQueries({ include: 'active' });
      listener?.ready?.();
    },
    next: async (event, how) => {
      listener?.next?.(event, how);
      await read.catch(() => {}); // what it gives may be older than the event
      const id = client.cache.identify({ __typename: 'Device', id: event.device.id });
      client.cache.writeFragment({ id, fragment: LAST_LOG, data: event.device });
    },
  });
}
