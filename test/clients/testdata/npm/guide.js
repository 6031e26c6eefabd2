// What docs/guides shows of an app that uses no client library for GraphQL, but graphql-ws
// for the feed. guide-test.js runs it.
import { createClient } from 'graphql-ws';

const REFRESH = `mutation Refresh($refreshToken: String!) {
  refreshToken(input: { refreshToken: $refreshToken }) { tokens { accessToken refreshToken } }
}`;

export class Session {
  constructor(url, tokens, save) {
    this.url = url;
    this.tokens = tokens; // { accessToken, refreshToken }
    this.save = save; // keeps them where the next start of the app finds them
  }

  async send(query, variables, token) {
    const answer = await fetch(this.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query, variables }),
    });
    return answer.json();
  }

  // execute asks once more with a fresh token where the first one was too old. Nothing of the
  // operation has run then, so a mutation is safe as well.
  async execute(query, variables) {
    const used = this.tokens.accessToken;
    const answer = await this.send(query, variables, used);
    if (!answer.errors?.some((e) => e.extensions.code === 'TOKEN_IS_EXPIRED')) return answer;
    if (this.tokens.accessToken === used) await this.refresh();
    return this.send(query, variables, this.tokens.accessToken);
  }

  // refresh runs once for all who wait for it.
  refresh() {
    this.refreshing ??= this.#refresh().finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  async #refresh() {
    const { data, errors } = await this.send(REFRESH, { refreshToken: this.tokens.refreshToken });
    if (errors) throw new SignedOut(errors[0].extensions.code);
    this.tokens = data.refreshToken.tokens;
    await this.save(this.tokens);
  }
}

export class SignedOut extends Error {}

const FEED = `subscription Feed($after: String) {
  devlogStatus(after: $after) {
    cursor change
    devlog { id status logFileId }
    device { id lastLogFileId }
  }
}`;

// follow calls next with each event, and goes on behind the last one after a break. Keep the
// cursor of the last event, and a start of the app goes on there as well.
export function follow(session, after, next, options) {
  const client = createClient({
    url: session.url.replace(/^http/, 'ws'),
    connectionParams: async () => {
      await session.refreshing;
      return { Authorization: `Bearer ${session.tokens.accessToken}` };
    },
    shouldRetry: () => true,
    retryAttempts: Infinity,
    on: {
      closed: (event) => {
        if (event.reason === 'Token is expired') session.refresh().catch(() => client.dispose());
      },
    },
    ...options,
  });
  const variables = { after }; // graphql-ws sends them as they are when it connects again
  client.subscribe(
    { query: FEED, variables },
    {
      next: ({ data }) => {
        variables.after = data.devlogStatus.cursor;
        next(data.devlogStatus);
      },
      error: (failure) => console.error(failure),
      complete: () => {},
    },
  );
  return () => client.dispose();
}
