// How the app speaks with the server: queries and mutations over HTTP, the feed over a socket,
// and a fresh token wherever one was too old.
import { authExchange } from '@urql/exchange-auth';
import { createClient } from 'graphql-ws';
import { cacheExchange, Client, fetchExchange, gql, subscriptionExchange } from 'urql';

const REFRESH = gql`
  mutation Refresh($refreshToken: String!) {
    refreshToken(input: { refreshToken: $refreshToken }) {
      tokens { accessToken refreshToken }
    }
  }
`;

// The tokens outlive a reload of the page. An app on a phone keeps them in the keystore.
const KEY = 'tokens';
export const storedTokens = () => JSON.parse(localStorage.getItem(KEY));
export const storeTokens = (tokens) => localStorage.setItem(KEY, JSON.stringify(tokens));
export const forgetTokens = () => localStorage.removeItem(KEY);

const headers = (token) => ({
  'apollographql-client-name': 'luxbff-web-sample',
  'apollographql-client-version': '1.0.0',
  ...(token && { Authorization: `Bearer ${token}` }),
});

// connect makes the client of one signed-in parent, or of nobody. onSignedOut is called when
// the tokens no longer open the account, onFeed when the feed is in place.
export function connect({ onSignedOut, onFeed } = {}) {
  let tokens = storedTokens();

  const socket = createClient({
    url: new URL('/graphql', location.href).href.replace(/^http/, 'ws'),
    connectionParams: () => headers(storedTokens()?.accessToken),
    // 4426 says that this version of the app is not served any more.
    shouldRetry: (event) => event.code !== 4426,
    retryAttempts: Infinity,
  });

  const client = new Client({
    url: '/graphql',
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      authExchange(async (utils) => ({
        addAuthToOperation: (operation) => utils.appendHeaders(operation, headers(tokens?.accessToken)),
        didAuthError: (error) => error.graphQLErrors.some((e) => e.extensions.code === 'TOKEN_IS_EXPIRED'),
        // Nothing of an operation with an old token has run, so it is safe to send it again. All
        // who wait share one refresh.
        refreshAuth: async () => {
          const { data, error } = await utils.mutate(REFRESH, { refreshToken: tokens.refreshToken });
          // Only the status 401 says that the session has ended: the network may be away.
          if (error?.graphQLErrors.some((e) => e.extensions.status === 401)) return onSignedOut?.();
          if (error) return;
          tokens = data.refreshToken.tokens;
          storeTokens(tokens);
        },
      })),
      fetchExchange,
      subscriptionExchange({ forwardSubscription: (request) => ({ subscribe: (sink) => follow(socket, request, sink, onFeed) }) }),
    ],
  });
  return { client, close: () => socket.dispose() };
}

// follow subscribes, and goes on behind the last event after a break: graphql-ws sends the same
// variables when it connects again. On a socket, what is sent after a subscription is answered
// once the subscription is in place: whoever reads a screen then misses nothing.
function follow(socket, { query, variables }, sink, onFeed) {
  const resumed = { ...variables };
  const unsubscribe = socket.subscribe(
    { query, variables: resumed },
    {
      ...sink,
      next: (result) => {
        resumed.after = result.data?.devlogStatus?.cursor ?? resumed.after;
        sink.next(result);
      },
    },
  );
  socket.subscribe({ query: '{ __typename }' }, { next: () => onFeed?.(), error: () => {}, complete: () => {} });
  return { unsubscribe };
}
