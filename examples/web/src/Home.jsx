import { useEffect, useRef, useState } from 'react';
import { Provider, useQuery } from 'urql';
import { HOME, keepFresh, makeClient } from './client.js';

const SIGN_OUT = 'mutation SignOut { signOut { ok } }';

// Home follows the feed for as long as it is shown.
export function Home({ session, onSignedOut }) {
  const [client] = useState(() => makeClient(session, onSignedOut));
  const [feed, setFeed] = useState({ state: 'connecting', events: [] });
  const stop = useRef();
  useEffect(() => {
    stop.current = keepFresh(client, session, {
      ready: () => setFeed((before) => ({ ...before, state: 'connected' })),
      next: (event) => setFeed((before) => ({ ...before, events: [event, ...before.events].slice(0, 20) })),
      signedOut: onSignedOut,
      upgradeRequired: () => setFeed((before) => ({ ...before, state: 'this version is not served any more' })),
    });
    return stop.current;
  }, [client, session, onSignedOut]);

  async function signOut() {
    stop.current();
    await session.execute(SIGN_OUT).catch(() => {}); // without a network the parent is signed out here alone
    onSignedOut();
  }
  return (
    <Provider value={client}>
      <Screen feed={feed} signOut={signOut} />
    </Provider>
  );
}

function Screen({ feed, signOut }) {
  const [{ data, error }] = useQuery({ query: HOME });
  if (error) return <p role="alert">{error.graphQLErrors[0]?.message ?? 'The server cannot be reached.'}</p>;
  if (!data) return <p>…</p>;
  const names = Object.fromEntries(data.childUsers.map(({ id, firstName }) => [id, firstName]));
  return (
    <>
      <header>
        <h1>Hello, {data.me.firstName}</h1>
        <button onClick={signOut}>Sign out</button>
      </header>
      <ul className="children">
        {data.childUsers.map((child) => (
          <li key={child.id}>
            <h2>{child.firstName}</h2>
            {child.device ? (
              <p>
                {child.device.deviceAlias || child.device.uniqueId}, last log{' '}
                <b>{child.device.lastLogFileId || 'none'}</b>
              </p>
            ) : (
              <p>no device</p>
            )}
          </li>
        ))}
      </ul>
      <h2>
        Live <small>{feed.state}</small>
      </h2>
      <ol className="feed">
        {feed.events.map(({ cursor, change, occurredAt, devlog }) => (
          <li key={cursor}>
            <time dateTime={occurredAt}>{new Date(occurredAt).toLocaleTimeString()}</time> {names[devlog.childUser.id]}:{' '}
            {devlog.logFileId ? `log ${devlog.logFileId}` : 'running log'} {change.toLowerCase()}
          </li>
        ))}
      </ol>
      {feed.events.length === 0 && <p>Upload a log, and it appears here.</p>}
    </>
  );
}
