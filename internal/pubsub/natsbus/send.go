package natsbus

// sendUntilClosed does what is requested until Close, and what was requested by then.
func (b *Bus) sendUntilClosed() {
	for {
		select {
		case <-b.added:
			b.sendPending()
		case <-b.closing:
			b.sendPending()
			return
		}
	}
}

// sendPending does all that is requested at the moment.
func (b *Bus) sendPending() {
	now := b.takePending()
	subscribed := b.updateSubscriptions(now.subscribe)
	for n := range now.notifications {
		if err := b.conn.Publish(n.subject(), nil); err != nil {
			b.logFailure(err)
		}
	}
	if len(subscribed) == 0 && !now.missed || !b.conn.IsConnected() {
		return
	}

	// A subscription is in effect once the server has answered something that was sent
	// behind it. Only then a look at the database finds all that it did not report.
	if err := b.conn.FlushTimeout(roundTripTimeout); err != nil {
		b.request(func(r *requests) { r.missed = true })
		return
	}
	for _, rootUserID := range subscribed {
		b.cfg.OnFeed(rootUserID)
	}
	if now.missed {
		b.cfg.OnMissed()
	}
}

// takePending takes the requests away. Notifications and missed stay while the server
// is away; subscriptions needn't, because the library itself repeats them when it
// reconnects.
func (b *Bus) takePending() requests {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := requests{subscribe: b.pending.subscribe}
	b.pending.subscribe = map[int]bool{}
	if b.conn.IsConnected() {
		taken.notifications, taken.missed = b.pending.notifications, b.pending.missed
		b.pending.notifications, b.pending.missed = map[notification]struct{}{}, false
	}
	return taken
}

// updateSubscriptions subscribes and unsubscribes as requested, and returns the
// accounts that were subscribed to. All share one channel: a subscription with a
// callback would cost a goroutine.
func (b *Bus) updateSubscriptions(requested map[int]bool) (subscribed []int) {
	for rootUserID, subscribe := range requested {
		current := b.subscriptions[rootUserID]
		switch {
		case subscribe && current == nil:
			subscription, err := b.conn.ChanSubscribe(feedSubject(rootUserID), b.received)
			if err != nil {
				b.logFailure(err)
				continue
			}
			b.subscriptions[rootUserID] = subscription
			subscribed = append(subscribed, rootUserID)
		case !subscribe && current != nil:
			delete(b.subscriptions, rootUserID)
			if err := current.Unsubscribe(); err != nil {
				b.logFailure(err)
			}
		}
	}
	return subscribed
}

// logFailure logs at debug alone: the poll makes up for what failed, and a server
// that is away would fill the log.
func (b *Bus) logFailure(err error) { b.cfg.Log.Debug("NATS", "error", err) }
