import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { family, run } from './journey.js';

function client(token, subscriptions) {
  return new Client({
    url: family.url,
    exchanges: subscriptions ? [subscriptions, fetchExchange] : [fetchExchange],
    fetchSubscriptions: !subscriptions,
    preferGetMethod: false,
    fetchOptions: () => ({ headers: token ? { Authorization: `Bearer ${token}` } : {} }),
  });
}

const codes = (error) => error?.graphQLErrors.map((e) => e.extensions.code) ?? [];

async function execute(document, variables, token) {
  const run = client(token);
  const result = await (document.startsWith('mutation') ? run.mutation(document, variables) : run.query(document, variables)).toPromise();
  if (result.error?.networkError) throw result.error.networkError;
  return { data: result.data, codes: codes(result.error) };
}

// subscriber leaves by unsubscribing, which aborts the fetch of a stream.
function subscriber(c) {
  return (document, variables, sink) =>
    c.subscription(document, variables).subscribe((r) => (r.error ? sink.error(r.error) : sink.next(r.data))).unsubscribe;
}

const socket = createClient({
  url: family.url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: `Bearer ${family.token}` },
});
const overSocket = subscriptionExchange({
  forwardSubscription: ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
  }),
});

await run({ execute }, {
  'graphql-ws': subscriber(client(family.token, overSocket)),
  'its own fetch': subscriber(client(family.token)),
});
await socket.dispose();
