package auth

import (
	"testing"
	"unicode/utf8"

	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

// FuzzClientApp sends what strangers may send: what is kept can be stored by both
// engines and shown, and a version never comes without a name.
func FuzzClientApp(f *testing.F) {
	f.Add("lux-ios", "4.2.0", "LUX/3.1 (iPhone; iOS 19.0) CFNetwork/1.0")
	f.Add("", "1", "Mozilla/5.0 (X11) Chrome/141 Safari/537.36")
	f.Add("\xff", "\x00", "Mozilla / Safari/\u2028")
	f.Fuzz(func(t *testing.T, appName, appVersion, userAgent string) {
		ctx := viewer.WithClient(t.Context(), viewer.Client{AppName: appName, AppVersion: appVersion, UserAgent: userAgent})
		name, version := clientApp(ctx)
		if name == nil && version != nil {
			t.Errorf("the version %q has no name", *version)
		}
		for kept, limit := range map[*string]int{name: maxClientName, version: maxClientVersion} {
			if kept == nil {
				continue
			}
			if !text.Clean(*kept, limit) || !text.IsVisible(*kept) || len(*kept) > limit*utf8.UTFMax {
				t.Errorf("%q is kept", *kept)
			}
		}
	})
}
