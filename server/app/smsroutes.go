package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"luxbff/internal/message"
	"luxbff/internal/text"
)

// anyCountry is the route of the numbers whose country has none of its own.
const anyCountry = "*"

// smsProvider sends SMS and says what became of them.
type smsProvider interface {
	message.Sender
	message.Checker
}

// smsByCountry sends an SMS by the provider of the number's country.
type smsByCountry struct {
	// routes are the names of providers by ISO 3166 code of the country, or [anyCountry].
	routes    map[string]string
	providers map[string]smsProvider
}

// Send refuses a number of a country without a route for good.
func (s smsByCountry) Send(ctx context.Context, id int, m message.Message) (message.Accepted, error) {
	name, found := s.routes[text.PhoneCountry(m.To)]
	if !found {
		name, found = s.routes[anyCountry]
	}
	if !found {
		return message.Accepted{}, fmt.Errorf("SMS_ROUTES: no route to the country: %w", message.ErrPermanent)
	}
	return s.providers[name].Send(ctx, id, m)
}

// Check asks the provider that took the message, whatever the routes are now.
func (s smsByCountry) Check(ctx context.Context, accepted message.Accepted) (message.Result, error) {
	provider, found := s.providers[accepted.Provider]
	if !found {
		return message.Result{}, message.ErrNoSender
	}
	return provider.Check(ctx, accepted)
}

// smsRoutes reads SMS_ROUTES. Without it Korea goes by SOLAPI and all else by Twilio, and
// all by the one of them that is set. A route to a provider that sends nothing is refused,
// and so is one that never could.
func (c Config) smsRoutes(providers map[string]smsProvider) (map[string]string, error) {
	if c.SMSRoutes == "" {
		return defaultRoutes(providers), nil
	}
	routes := map[string]string{}
	for route := range strings.SplitSeq(c.SMSRoutes, ",") {
		country, provider, isRoute := strings.Cut(strings.TrimSpace(route), ":")
		_, isSet := providers[provider]
		_, isRepeated := routes[country]
		switch {
		case !isRoute:
			return nil, errors.New("SMS_ROUTES must be COUNTRY:PROVIDER, comma-separated, as KR:solapi,*:twilio")
		case country != anyCountry && !text.ValidCountry(country):
			return nil, errors.New("SMS_ROUTES: a country is an ISO 3166 code in capitals, as KR, or * for all others")
		case isRepeated:
			return nil, errors.New("SMS_ROUTES names a country twice")
		case !slices.Contains([]string{"solapi", "twilio"}, provider):
			return nil, errors.New("SMS_ROUTES: a provider is solapi or twilio")
		case !isSet:
			return nil, fmt.Errorf("SMS_ROUTES: %s is not set: it needs %s", provider, map[string]string{"solapi": "SOLAPI_API_KEY", "twilio": "TWILIO_ACCOUNT_SID"}[provider])
		case provider == "solapi" && country != "KR" && country != anyCountry:
			return nil, errors.New("SMS_ROUTES: solapi reaches no country but KR")
		}
		routes[country] = provider
	}
	return routes, nil
}

func defaultRoutes(providers map[string]smsProvider) map[string]string {
	if len(providers) == 2 {
		return map[string]string{"KR": "solapi", anyCountry: "twilio"}
	}
	routes := map[string]string{}
	for name := range maps.Keys(providers) {
		routes[anyCountry] = name
	}
	return routes
}
