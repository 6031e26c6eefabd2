import { useEffect, useState } from 'react';
import { gql, Provider, useMutation, useQuery, useSubscription } from 'urql';
import { connect } from './client.js';

const HOME = gql`
  query Home {
    me { id firstName }
    childUsers {
      id
      firstName
      device { id uniqueId deviceAlias lastLogFileId }
    }
  }
`;

const FEED = gql`
  subscription Feed($after: String) {
    devlogStatus(after: $after) {
      cursor
      change
      occurredAt
      devlog { id logFileId childUser { id firstName } }
    }
  }
`;

const SIGN_OUT = gql`
  mutation SignOut {
    signOut { ok }
  }
`;

// Home makes the client of the parent who is signed in, and closes its socket with the screen.
export function Home({ onSignedOut }) {
  const [connection, setConnection] = useState(null);
  const [isLive, setLive] = useState(false);
  useEffect(() => {
    const made = connect({ onSignedOut, onFeed: () => setLive(true) });
    setConnection(made);
    return made.close;
  }, [onSignedOut]);
  if (!connection) return null;
  return (
    <Provider value={connection.client}>
      <Screen isLive={isLive} onSignedOut={onSignedOut} />
    </Provider>
  );
}

function Screen({ isLive, onSignedOut }) {
  const [events, setEvents] = useState([]);
  const [{ data, error }, readHome] = useQuery({ query: HOME });
  const [, signOut] = useMutation(SIGN_OUT);
  useSubscription({ query: FEED }, (_, { devlogStatus }) => {
    setEvents((before) => [devlogStatus, ...before].slice(0, 20));
  });
  // The screen is read again once the feed is in place, and with each event.
  useEffect(() => {
    if (isLive) readHome({ requestPolicy: 'network-only' });
  }, [isLive, events, readHome]);

  if (error) return <p role="alert">{error.graphQLErrors[0]?.message ?? 'The server cannot be reached.'}</p>;
  if (!data) return <p>…</p>;
  return (
    <>
      <header>
        <h1>Hello, {data.me.firstName}</h1>
        <button onClick={() => signOut({}).then(onSignedOut)}>Sign out</button>
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
        Live <small>{isLive ? 'connected' : 'connecting'}</small>
      </h2>
      <ol className="feed">
        {events.map(({ cursor, change, occurredAt, devlog }) => (
          <li key={cursor}>
            <time dateTime={occurredAt}>{new Date(occurredAt).toLocaleTimeString()}</time> {devlog.childUser.firstName}: log{' '}
            {devlog.logFileId} {change.toLowerCase()}
          </li>
        ))}
      </ol>
      {events.length === 0 && <p>Upload a log, and it appears here.</p>}
    </>
  );
}
