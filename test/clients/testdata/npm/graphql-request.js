import { ClientError, GraphQLClient } from 'graphql-request';
import { family, run } from './journey.js';

async function execute(document, variables, token) {
  const client = new GraphQLClient(family.url, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
  try {
    return { data: await client.request(document, variables), codes: [] };
  } catch (e) {
    if (!(e instanceof ClientError)) throw e;
    return { data: e.response.data, codes: e.response.errors.map((x) => x.extensions.code) };
  }
}

// The library knows no subscriptions.
await run({ execute }, {});
