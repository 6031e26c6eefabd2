package feed

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"luxbff/internal/apperr"
)

// cursor names one event of an account's feed. It carries more than the number, so
// that a wrong one is refused by name: the account, because another account's must
// not be taken; the time, because one older than [Retention] has expired even while
// its events wait to be pruned; and the child that the feed was filtered to, because
// such a feed says nothing about the other children's events.
//
// It is neither secret nor a right. Whoever makes one up sees only events of the
// account that his token names.
type cursor struct {
	rootUserID  int
	seq         int64
	occurredAt  time.Time
	childUserID int // 0 for all children
}

const (
	cursorFormat      = "feed:%d:%d:%d"
	childCursorFormat = cursorFormat + ":%d"
)

func (c cursor) String() string {
	text := fmt.Appendf(nil, cursorFormat, c.rootUserID, c.seq, c.occurredAt.UnixMilli())
	if c.childUserID != 0 {
		text = fmt.Appendf(text, ":%d", c.childUserID)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// parseCursor refuses with CursorNotValid whatever String did not write. Comparing
// with what String writes leaves one text for one event: "+1" or "01" for 1 is
// refused.
func parseCursor(text string) (cursor, error) {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return cursor{}, apperr.CursorNotValid.WithField("after")
	}
	var c cursor
	var millis int64
	format, parts := cursorFormat, []any{&c.rootUserID, &c.seq, &millis}
	if strings.Count(string(decoded), ":") > strings.Count(cursorFormat, ":") {
		format, parts = childCursorFormat, append(parts, &c.childUserID)
	}
	_, err = fmt.Sscanf(string(decoded), format, parts...)
	c.occurredAt = time.UnixMilli(millis).UTC()
	if err != nil || c.seq < 1 || c.childUserID < 0 || c.String() != text {
		return cursor{}, apperr.CursorNotValid.WithField("after")
	}
	return c, nil
}
