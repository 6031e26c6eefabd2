package devlog

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"luxbff/internal/apperr"
)

// cursor is a place in an account's feed. It names the account, so that a
// foreign one is told, the time, so that an old one is, and the child whose feed
// it is from, because such a feed tells nothing of the others. It is not a secret
// and not a right: whoever makes one up sees only the own account's events.
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

// readCursor refuses whatever String did not write.
func readCursor(text string) (cursor, error) {
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
