package pubsub

// Topic is what a bell between replicas is about.
type Topic string

const (
	// Feed says that a root user's feed has new events.
	Feed Topic = "feed"
	// Sessions says that sessions of a root user have ended.
	Sessions Topic = "sessions"
)

// Bus carries bells between the replicas of an installation. No method blocks,
// and none tells of a failure: a bell that is lost costs at most a poll.
type Bus interface {
	// Ring tells the other replicas, and never the one that rings.
	Ring(topic Topic, rootUserID int)
	// Watch asks for the Feed bells of a root user until Forget; both are called
	// in turn. Bells of other topics come for every root user.
	Watch(rootUserID int)
	// Forget ends Watch.
	Forget(rootUserID int)
	// Up reports whether bells pass at the moment.
	Up() bool
}

// Alone is the bus of the only replica: nobody is to be told.
type Alone struct{}

// Ring tells nobody.
func (Alone) Ring(Topic, int) {}

// Watch asks nobody.
func (Alone) Watch(int) {}

// Forget asks nobody.
func (Alone) Forget(int) {}

// Up is always true: the hub itself rings for its own process.
func (Alone) Up() bool { return true }
