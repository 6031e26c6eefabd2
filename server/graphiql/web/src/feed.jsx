import { useSyncExternalStore } from 'react';

/** What the page knows of the running subscription: `status` is null while none runs. */
export function createFeed() {
  let state = { status: null, events: 0 };
  const listeners = new Set();
  const set = (change) => {
    state = { ...state, ...change };
    listeners.forEach((listener) => listener());
  };
  return {
    connecting: (again) => set(again ? { status: 'Reconnecting' } : { status: 'Connecting', events: 0 }),
    connected: () => set({ status: 'Live' }),
    closed: () => state.status === 'Live' && set({ status: 'Reconnecting' }),
    received: () => set({ events: state.events + 1 }),
    ended: () => set({ status: null }),
    current: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** One line under the response: is the socket there, and how many events came. */
export function FeedStatus({ feed }) {
  const { status, events } = useSyncExternalStore(feed.subscribe, feed.current);
  if (!status) return null;
  return (
    <div className="feed-status" role="status" data-status={status.toLowerCase()}>
      <span className="feed-dot" aria-hidden="true" />
      {status}
      {status === 'Live' ? '' : '…'}
      <span className="feed-events">{countText(events)}</span>
    </div>
  );
}

function countText(events) {
  if (events === 0) return 'no event yet';
  return events === 1 ? '1 event' : `${events} events, the last one is shown`;
}
