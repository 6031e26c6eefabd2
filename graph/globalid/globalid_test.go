package globalid_test

import (
	"bytes"
	"testing"

	"luxbff/graph/globalid"
)

// TestIDsAreReadAsTheyWereWritten, and nothing else is.
func TestIDsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for _, of := range []string{globalid.User, globalid.ChildUser, globalid.Device, globalid.Devlog} {
		want := globalid.ID{Type: of, ID: 12}
		var text bytes.Buffer
		want.MarshalGQL(&text)
		var got globalid.ID
		if err := got.UnmarshalGQL(text.String()[1 : text.Len()-1]); err != nil || got != want {
			t.Errorf("%s: %v %v", &text, got, err)
		}
	}
	for _, text := range []any{
		"", "12", "ChildUser:12", globalid.ID{Type: "Message", ID: 1}.String(), globalid.ID{Type: globalid.User, ID: 1}.String() + "=",
		"VXNlcjowMTI", "VXNlcjo", 12, nil, true, // User:012 and User: among them
	} {
		var got globalid.ID
		if err := got.UnmarshalGQL(text); err == nil {
			t.Errorf("%v is read as %v", text, got)
		}
	}
}
