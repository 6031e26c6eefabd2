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

/** @param {ApolloClient} client @param {import('./guide.js').Session} session @param {string} [after] */
export function keepFresh(client, session, after) {
  /** @type {Promise<unknown>} */
  let read = Promise.resolve();
  return follow(session, {
    after,
    ready: () => (read = client.refetchQueries({ include: 'active' })),
    next: async ({ device }) => {
      await read.catch(() => {}); // what it gives may be older than the event
      const id = client.cache.identify({ __typename: 'Device', id: device.id });
      client.cache.writeFragment({ id, fragment: LAST_LOG, data: device });
    },
  });
}
