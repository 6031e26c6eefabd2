// Follows the feed with clients that connect again by themselves, in the same
// words, against the server whose URL is the first argument, with the token that is
// the second. Every event is written as one line of JSON, until the input ends.
import { ApolloClient, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

globalThis.WebSocket = WebSocket; // Apollo's link looks for its constants
const url = process.argv[2].replace(/^http/, 'ws');
const query = 'subscription { devlogStatus { cursor devlog { logFileId } } }';

function connect(installationId) {
  return createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${process.argv[3]}`, installationId },
    retryAttempts: Infinity,
    retryWait: () => new Promise((r) => setTimeout(r, 20)),
    shouldRetry: () => true,
  });
}

function sink(client) {
  return {
    next: (r) =>
      console.log(
        JSON.stringify({
          client,
          file: r.data.devlogStatus.devlog.logFileId,
          recovered: r.extensions?.recovered ?? false,
        }),
      ),
    error: (e) => console.log(JSON.stringify({ client, error: String(e) })),
    complete: () => console.log(JSON.stringify({ client, error: 'complete' })),
  };
}

connect('graphql-ws').subscribe({ query }, sink('graphql-ws'));
new ApolloClient({ cache: new InMemoryCache(), link: new GraphQLWsLink(connect('apollo')) })
  .subscribe({ query: gql(query), fetchPolicy: 'no-cache' })
  .subscribe(sink('apollo'));

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
