package natsbus

import (
	"strconv"
	"strings"

	"luxbff/internal/pubsub"
)

const (
	subjectPrefix = "luxbff."
	allMessages   = subjectPrefix + string(pubsub.Messages) + ".*"
	allSessions   = subjectPrefix + string(pubsub.Sessions) + ".*"
)

// notification is what one message says. Its subject says all of it.
type notification struct {
	topic      pubsub.Topic
	rootUserID int
}

func (n notification) subject() string {
	return subjectPrefix + string(n.topic) + "." + strconv.Itoa(n.rootUserID)
}

func feedSubject(rootUserID int) string { return notification{pubsub.Feed, rootUserID}.subject() }

// parseSubject returns false for a subject that no replica writes.
func parseSubject(subject string) (notification, bool) {
	topic, id, _ := strings.Cut(strings.TrimPrefix(subject, subjectPrefix), ".")
	rootUserID, err := strconv.Atoi(id)
	n := notification{pubsub.Topic(topic), rootUserID}
	return n, err == nil && n.subject() == subject
}
