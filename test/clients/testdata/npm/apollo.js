import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { family, run } from './journey.js';

globalThis.WebSocket = WebSocket; // Apollo's link looks for its constants.

const client = (link) => new ApolloClient({ cache: new InMemoryCache(), link });
const http = (token) => new HttpLink({ uri: family.url, headers: token ? { Authorization: `Bearer ${token}` } : {} });

async function execute(document, variables, token) {
  const c = client(http(token));
  try {
    const result = document.startsWith('mutation')
      ? await c.mutate({ mutation: gql(document), variables })
      : await c.query({ query: gql(document), variables, fetchPolicy: 'network-only' });
    return { data: result.data, codes: [] };
  } catch (e) {
    if (!CombinedGraphQLErrors.is(e)) throw e;
    return { data: null, codes: e.errors.map((x) => x.extensions.code) };
  }
}

function subscriber(c) {
  return (document, variables, sink) => {
    const running = c.subscribe({ query: gql(document), variables, fetchPolicy: 'no-cache' }).subscribe({
      next: (r) => (r.error ? sink.error(r.error) : sink.next(r.data)),
      error: sink.error,
      complete: sink.complete,
    });
    return () => running.unsubscribe();
  };
}

const socket = createClient({
  url: family.url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: `Bearer ${family.token}` },
});

await run({ execute }, {
  'graphql-ws': subscriber(client(new GraphQLWsLink(socket))),
  'multipart over HTTP': subscriber(client(http(family.token))),
});
await socket.dispose();
