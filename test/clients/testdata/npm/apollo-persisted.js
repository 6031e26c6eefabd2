// Apollo Client with its link for persisted queries. Without a family it prints the manifest
// of the app's documents, as Apollo's generator writes it; with one it asks for a document
// of the manifest and for another, and prints what it has sent and received.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { print } from 'graphql';
import { of } from 'rxjs';

const home = gql('query Home { me { firstName } childUsers { firstName device { serialCode } } }');
const other = gql('query Other { me { lastName } }');
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const client = (link) => new ApolloClient({ cache: new InMemoryCache(), link });

async function ask(query) {
  const sent = [];
  const http = new HttpLink({
    uri: family.url,
    headers: { Authorization: `Bearer ${family.token}` },
    fetch: (uri, options) => {
      const parameters = options.method === 'GET' ? Object.fromEntries(new URL(uri).searchParams) : JSON.parse(options.body);
      sent.push(`${options.method}${parameters.query ? ' with its text' : ''}`);
      return fetch(uri, options);
    },
  });
  const app = client(new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(http));
  const received = await app.query({ query }).then(
    () => 'data',
    (e) => (CombinedGraphQLErrors.is(e) ? e.errors.map((x) => x.extensions.code).join() : String(e)),
  );
  console.log(`${sent.join(', ')}: ${received}`);
}

const family = process.env.FAMILY && JSON.parse(process.env.FAMILY);
if (family) {
  await ask(home);
  await ask(other);
} else {
  let text;
  const record = new ApolloLink((operation) => {
    text = print(operation.query);
    return of({ data: { me: null, childUsers: [] } });
  });
  await client(record).query({ query: home });
  const operations = [{ id: sha256(text), name: 'Home', type: 'query', body: text }];
  console.log(JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations }));
}
