package natsbus

// speak tells the server what is to do, until Close.
func (b *Bus) speak() {
	for {
		select {
		case <-b.anyNew:
			b.tell()
		case <-b.closing:
			b.tell()
			return
		}
	}
}

// tell sends all that waits. Bells and what follows a lost connection wait on
// while the server is away; the client library itself repeats subscriptions.
func (b *Bus) tell() {
	now := b.take()
	fresh := b.subscribe(now.watch)
	for one := range now.bells {
		b.publish(one)
	}
	if len(fresh) == 0 && !now.recovered || !b.conn.IsConnected() {
		return
	}
	if err := b.conn.FlushTimeout(confirmWithin); err != nil {
		b.note(func(t *todo) { t.recovered = true })
		return
	}
	for _, rootUserID := range fresh {
		b.cfg.Wake(rootUserID)
	}
	if now.recovered {
		b.cfg.Recovered()
	}
}

func (b *Bus) take() todo {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := todo{watch: b.todo.watch}
	b.todo.watch = map[int]bool{}
	if b.conn.IsConnected() {
		taken.bells, taken.recovered = b.todo.bells, b.todo.recovered
		b.todo.bells, b.todo.recovered = map[bell]struct{}{}, false
	}
	return taken
}

// subscribe brings the subscriptions to what is wanted, and gives the accounts
// that are new among them. They share one channel: a subscription with a callback
// would cost a goroutine.
func (b *Bus) subscribe(wanted map[int]bool) (fresh []int) {
	for rootUserID, want := range wanted {
		held := b.watching[rootUserID]
		switch {
		case want && held == nil:
			subscription, err := b.conn.ChanSubscribe(feedOf(rootUserID), b.heard)
			if err != nil {
				b.refused(err)
				continue
			}
			b.watching[rootUserID] = subscription
			fresh = append(fresh, rootUserID)
		case !want && held != nil:
			delete(b.watching, rootUserID)
			if err := held.Unsubscribe(); err != nil {
				b.refused(err)
			}
		}
	}
	return fresh
}

func (b *Bus) publish(one bell) {
	if err := b.conn.Publish(one.subject(), nil); err != nil {
		b.refused(err)
	}
}

// refused is left to the poll.
func (b *Bus) refused(err error) { b.cfg.Log.Debug("NATS", "error", err) }
