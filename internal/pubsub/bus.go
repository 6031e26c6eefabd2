package pubsub

// Topic is what a notification between replicas is about.
type Topic string

const (
	// Feed says that a root user's feed has new events.
	Feed Topic = "feed"
	// Messages says that a message to a root user is new or has changed.
	Messages Topic = "messages"
	// Sessions says that sessions of a root user have ended.
	Sessions Topic = "sessions"
)

// Bus carries notifications between the replicas of an installation. No method
// blocks, because writers call it after each commit, and none returns an error: a
// notification that is lost costs at most a poll.
type Bus interface {
	// Notify notifies the other replicas, and not the one that calls it.
	Notify(topic Topic, rootUserID int)
	// Subscribe asks for the notifications of a topic to a root user until Unsubscribe. The
	// two are called in turn. Those of a topic that is rare may come for every root user,
	// asked for or not.
	Subscribe(topic Topic, rootUserID int)
	// Unsubscribe ends Subscribe.
	Unsubscribe(topic Topic, rootUserID int)
	// Connected reports whether notifications pass at the moment.
	Connected() bool
}

// InProcess is the bus of a program that has no other replicas: it does nothing,
// because the hub itself notifies within its process.
type InProcess struct{}

// Notify has no other replica to notify.
func (InProcess) Notify(Topic, int) {}

// Subscribe has nobody to ask.
func (InProcess) Subscribe(Topic, int) {}

// Unsubscribe has nobody to ask.
func (InProcess) Unsubscribe(Topic, int) {}

// Connected is always true: there is no connection that could be lost.
func (InProcess) Connected() bool { return true }
