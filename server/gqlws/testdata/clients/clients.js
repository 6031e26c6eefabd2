// Runs one journey with each of the clients that apps use, against the server
// whose URL is the first argument. Every step is written as one line of JSON.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient as createSSE } from 'graphql-sse';
import { createClient as createWS } from 'graphql-ws';
import { SubscriptionClient } from 'subscriptions-transport-ws';
import WebSocket from 'ws';

globalThis.WebSocket = WebSocket; // Apollo's link looks for its constants
const url = process.argv[2];
const socketURL = url.replace(/^http/, 'ws');

async function post(query) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await answer.json()).data;
}

async function untilFeeds(n) {
  while ((await post('{ feeds }')).feeds !== n) await new Promise((r) => setTimeout(r, 5));
}

// text is what is told of errors, or of the close frame that came instead.
const text = (errors) =>
  [errors].flat().map((e) => (e.message ?? e.reason).replace(/^Socket closed with event \d+ /, ''));

function apollo(link) {
  const client = new ApolloClient({ cache: new InMemoryCache(), link });
  return (query, sink) => {
    const document = gql(query);
    if (query.startsWith('subscription')) {
      const running = client.subscribe({ query: document, errorPolicy: 'none' }).subscribe({
        next: (r) => (r.error ? sink.error(r.error.errors ?? r.error) : sink.next(r.data)),
        error: sink.error,
        complete: sink.complete,
      });
      return () => running.unsubscribe();
    }
    const operation = query.startsWith('mutation')
      ? client.mutate({ mutation: document })
      : client.query({ query: document, fetchPolicy: 'no-cache' });
    operation.then((r) => (sink.next(r.data), sink.complete()), (e) => sink.error(e.errors ?? e));
    return () => {};
  };
}

const results = (sink) => ({
  next: (r) => (r.errors ? sink.error(r.errors) : sink.next(r.data)),
  error: sink.error,
  complete: sink.complete,
});

const clients = {
  'graphql-ws': (as) => {
    const client = createWS({ url: socketURL, webSocketImpl: WebSocket, connectionParams: { as }, retryAttempts: 0 });
    return { run: (query, sink) => client.subscribe({ query }, results(sink)), end: () => client.dispose() };
  },
  'graphql-sse': (as) => {
    const client = createSSE({ url, headers: { 'X-As': as }, retryAttempts: 0 });
    return { run: (query, sink) => client.subscribe({ query }, results(sink)), end: () => client.dispose() };
  },
  'subscriptions-transport-ws': (as) => {
    const client = new SubscriptionClient(socketURL, { connectionParams: { as }, reconnect: false }, WebSocket);
    client.onError(() => {});
    return {
      run: (query, sink) => {
        // Of a refusal the client tells its operations nothing.
        client.client?.addEventListener?.('close', (e) => e.code === 4403 && sink.error(e));
        const running = client.request({ query }).subscribe(results(sink));
        return () => running.unsubscribe();
      },
      end: () => client.close(),
    };
  },
  'Apollo Client over graphql-ws': (as) => {
    const client = createWS({ url: socketURL, webSocketImpl: WebSocket, connectionParams: { as }, retryAttempts: 0 });
    return { run: apollo(new GraphQLWsLink(client)), end: () => client.dispose() };
  },
  'Apollo Client over HTTP': (as) => ({
    run: apollo(ApolloLink.from([new HttpLink({ uri: url, headers: { 'X-As': as } })])),
    end: () => {},
  }),
};

// collect runs a query to its end and gives all that was seen.
function collect(client, query, during = async () => {}) {
  return new Promise((resolve, reject) => {
    const seen = [];
    const timer = setTimeout(() => reject(new Error(`no end after ${JSON.stringify(seen)}`)), 20_000);
    const done = (last) => {
      clearTimeout(timer);
      resolve([...seen, last]);
    };
    const stop = client.run(query, {
      next: (data) => seen.push(data),
      error: (e) => done({ error: text(e) }),
      complete: () => done('complete'),
    });
    during(stop, seen, done).catch(reject);
  });
}

const steps = {
  query: (c) => collect(c, '{ echo(text: "hi") }'),
  mutation: (c) => collect(c, 'mutation { add(n: 41) }'),
  subscription: (c) => collect(c, 'subscription { count(to: 3) }'),
  'resolver error': (c) => collect(c, 'subscription { refused }'),
  'validation error': (c) => collect(c, 'subscription { nothing }'),
  'feed that completes': (c) =>
    collect(c, 'subscription { feed }', async () => {
      await untilFeeds(1);
      await post('mutation { publish(text: "a") }');
      await post('mutation { publish(text: "b") }');
      await post('mutation { finish }');
    }),
  'feed that fails': (c) =>
    collect(c, 'subscription { feed(ends: true) }', async () => {
      await untilFeeds(1);
      await post('mutation { publish(text: "a") }');
      await post('mutation { finish }');
    }),
  'feed that is left': (c) =>
    collect(c, 'subscription { feed }', async (stop, seen, done) => {
      await untilFeeds(1);
      done('left');
      stop();
      await untilFeeds(0);
    }),
};

for (const [name, create] of Object.entries(clients)) {
  const client = create('anybody');
  for (const [step, run] of Object.entries(steps)) {
    const seen = await run(client).catch((e) => [{ failure: String(e) }]);
    console.log(JSON.stringify({ client: name, step, seen }));
  }
  client.end();
  const refused = create('nobody');
  const seen = await collect(refused, 'subscription { feed }').catch((e) => [{ failure: String(e) }]);
  console.log(JSON.stringify({ client: name, step: 'refused', seen }));
  refused.end();
}
process.exit(0);
