package devlog

import (
	"encoding/base64"
	"fmt"
	"time"

	"luxbff/internal/fault"
)

// cursor is a place in an account's feed. It names the account, so that a
// foreign one is told, and the time, so that an old one is. It is not a secret
// and not a right: whoever makes one up sees only the own account's events.
type cursor struct {
	rootUserID int
	seq        int64
	occurredAt time.Time
}

const cursorFormat = "feed:%d:%d:%d"

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString(
		fmt.Appendf(nil, cursorFormat, c.rootUserID, c.seq, c.occurredAt.UnixMilli()))
}

// readCursor refuses whatever String did not write.
func readCursor(text string) (cursor, error) {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return cursor{}, fault.CursorNotValid.On("after")
	}
	var c cursor
	var millis int64
	_, err = fmt.Sscanf(string(decoded), cursorFormat, &c.rootUserID, &c.seq, &millis)
	c.occurredAt = time.UnixMilli(millis).UTC()
	if err != nil || c.seq < 1 || c.String() != text {
		return cursor{}, fault.CursorNotValid.On("after")
	}
	return c, nil
}
