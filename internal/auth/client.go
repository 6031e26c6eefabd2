package auth

import (
	"context"
	"strings"

	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

// How much is kept of what an app says of itself, in characters.
const (
	maxClientName    = 64
	maxClientVersion = 32
)

// clientApp gives the name and the version of the app that asks, for its owner to know a
// session by: those that it names itself by, or else those of its User-Agent. Each is nil
// where there is none that can be shown.
func clientApp(ctx context.Context) (name, version *string) {
	said := viewer.ClientFrom(ctx)
	if name = shownText(said.AppName, maxClientName); name != nil {
		return name, shownText(said.AppVersion, maxClientVersion)
	}
	product, productVersion := mainProduct(said.UserAgent)
	if name = shownText(product, maxClientName); name == nil {
		return nil, nil
	}
	return name, shownText(productVersion, maxClientVersion)
}

// mainProduct gives the product of a User-Agent (RFC 9110, section 10.1.5) that people
// know it by: the first, as apps write theirs there. All browsers begin with Mozilla and
// name others as well to be taken for them; the first of the list that is there is meant.
func mainProduct(userAgent string) (name, version string) {
	products := strings.Fields(userAgent)
	if len(products) == 0 {
		return "", ""
	}
	name, version, _ = strings.Cut(products[0], "/")
	if name != "Mozilla" {
		return name, version
	}
	for _, browser := range []string{"Edg", "OPR", "SamsungBrowser", "Firefox", "FxiOS", "CriOS", "Chrome", "Safari"} {
		for _, product := range products[1:] {
			if name, version, _ := strings.Cut(product, "/"); name == browser {
				return name, version
			}
		}
	}
	return name, version
}

// shownText cuts what a client sent to the length that is stored, and gives nil for what
// can't be shown.
func shownText(sent string, limit int) *string {
	sent = strings.TrimSpace(sent)
	if characters := []rune(sent); len(characters) > limit {
		sent = strings.TrimSpace(string(characters[:limit]))
	}
	if !text.Clean(sent, limit) || !text.IsVisible(sent) {
		return nil
	}
	return &sent
}
