package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/message/fcm"
	"luxbff/internal/message/smtp"
	"luxbff/internal/message/solapi"
	"luxbff/internal/message/twilio"
)

// SolapiConfig is an account of SOLAPI, which sends SMS and Alimtalk in Korea.
type SolapiConfig struct {
	URL      string `env:"URL" default:"https://api.solapi.com" help:"SOLAPI's API."`
	Key      string `env:"API_KEY" name:"api-key" help:"Key of the SOLAPI account; empty: it sends nothing."`
	Secret   string `env:"API_SECRET" name:"api-secret" help:"Secret of the key."`
	From     string `env:"SENDER" name:"sender" help:"Number that SOLAPI knows as the sender of SMS."`
	Profile  string `env:"PFID" name:"pfid" help:"Kakao channel that Alimtalk comes from; empty: no Alimtalk is sent."`
	Template string `env:"TEMPLATE_IMPEDANCE" name:"template-impedance" help:"Template that Kakao has approved for the impedance alert."`
}

// TwilioConfig is an account of Twilio, which sends SMS.
type TwilioConfig struct {
	URL        string `env:"URL" default:"https://api.twilio.com" help:"Twilio's API."`
	AccountSID string `env:"ACCOUNT_SID" name:"account-sid" help:"Account of Twilio; empty: it sends nothing."`
	AuthToken  string `env:"AUTH_TOKEN" name:"auth-token" help:"Secret of the account."`
	From       string `env:"FROM" name:"from" help:"Sender of SMS: a number of the account, or its alphanumeric sender id."`
}

// dailyLimits are how many messages a day each channel sends at most.
func (c Config) dailyLimits() map[entmessage.Channel]int {
	return map[entmessage.Channel]int{
		entmessage.ChannelSms:      c.SMSDaily,
		entmessage.ChannelAlimtalk: c.AlimtalkDaily,
		entmessage.ChannelEmail:    c.EmailDaily,
		entmessage.ChannelPush:     c.PushDaily,
	}
}

// FCMConfig is a project of Firebase, which sends push messages.
type FCMConfig struct {
	Credentials string `env:"CREDENTIALS" help:"Path of the JSON of a service account of the Firebase project; empty: no push leaves."`
	URL         string `env:"URL" default:"https://fcm.googleapis.com" help:"The API of Firebase Cloud Messaging."`
}

// senders are the providers of messages, by channel. A channel without one is refused in
// production when a request needs it; in development its messages are shown at /dev/outbox.
// The error names each setting that is missing or malformed.
func (c Config) senders(o Options) (map[entmessage.Channel]message.Sender, error) {
	senders := map[entmessage.Channel]message.Sender{}
	if c.Development() {
		maps.Copy(senders, message.Development(o.Log))
	}
	providers, err := c.smsProviders(o, senders)
	wrong := []error{err}
	routes, err := c.smsRoutes(providers)
	wrong = append(wrong, err)
	if len(routes) > 0 {
		senders[entmessage.ChannelSms] = smsByCountry{routes, providers}
	}
	if c.FCM.Credentials != "" {
		sender, err := c.FCM.sender(o)
		wrong = append(wrong, err)
		senders[entmessage.ChannelPush] = sender
	}
	if c.SMTPURL != "" {
		sender, err := smtp.New(smtp.Config{URL: c.SMTPURL, From: c.MailFrom, IsPlainAllowed: c.Development() || isLoopbackURL(c.SMTPURL)})
		wrong = append(wrong, err)
		senders[entmessage.ChannelEmail] = sender
	}
	return senders, errors.Join(wrong...)
}

// smsProviders gives those of SMS by their names, and adds the sender of Alimtalk, which is
// one of them.
func (c Config) smsProviders(o Options, senders map[entmessage.Channel]message.Sender) (map[string]smsProvider, error) {
	providers := map[string]smsProvider{}
	var wrong []error
	if s := c.Solapi; s.Key != "" {
		if s.Secret == "" || s.From == "" {
			wrong = append(wrong, errors.New("SOLAPI_API_KEY needs SOLAPI_API_SECRET and SOLAPI_SENDER as well"))
		}
		if (s.Profile == "") != (s.Template == "") {
			wrong = append(wrong, errors.New("SOLAPI_PFID and SOLAPI_TEMPLATE_IMPEDANCE belong together: Alimtalk needs both"))
		}
		wrong = append(wrong, checkProviderURL("SOLAPI_URL", s.URL))
		sender := solapi.New(solapi.Config{
			URL: s.URL, Key: s.Key, Secret: s.Secret, From: s.From, ProfileID: s.Profile, ImpedanceTemplate: s.Template,
			Clock: o.Clock, Random: o.Random,
		})
		providers["solapi"] = sender
		if s.Profile != "" {
			senders[entmessage.ChannelAlimtalk] = sender
		}
	}
	if t := c.Twilio; t.AccountSID != "" {
		if t.AuthToken == "" || t.From == "" {
			wrong = append(wrong, errors.New("TWILIO_ACCOUNT_SID needs TWILIO_AUTH_TOKEN and TWILIO_FROM as well"))
		}
		wrong = append(wrong, checkProviderURL("TWILIO_URL", t.URL))
		providers["twilio"] = twilio.New(twilio.Config{URL: t.URL, AccountSID: t.AccountSID, AuthToken: t.AuthToken, From: t.From, Clock: o.Clock})
	}
	return providers, errors.Join(wrong...)
}

// maxCredentials is far above the size of a service account's JSON, in bytes.
const maxCredentials = 64 << 10

// sender reads the service account. The error says what is wrong with the file and repeats
// nothing of it.
func (c FCMConfig) sender(o Options) (*fcm.Sender, error) {
	file, err := os.Open(c.Credentials)
	if err != nil {
		return nil, fmt.Errorf("FCM_CREDENTIALS cannot be read: %w", withoutPath(err))
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxCredentials))
	if err != nil {
		return nil, fmt.Errorf("FCM_CREDENTIALS cannot be read: %w", withoutPath(err))
	}
	credentials, err := fcm.ParseCredentials(text)
	if err != nil {
		return nil, fmt.Errorf("FCM_CREDENTIALS: %w", err)
	}
	wrong := errors.Join(checkProviderURL("FCM_URL", c.URL), checkProviderURL("the token_uri of FCM_CREDENTIALS", credentials.TokenURI))
	return fcm.New(fcm.Config{URL: c.URL, Credentials: credentials, Clock: o.Clock}), wrong
}

// withoutPath leaves of an error about a file why it is.
func withoutPath(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// checkProviderURL refuses an address over which secrets and texts would go in the clear.
// On this machine itself a stand-in may be spoken to by http.
func checkProviderURL(setting, address string) error {
	u, err := url.Parse(address)
	if err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && isLoopbackURL(address)) {
		return nil
	}
	return errors.New(setting + " must be an https:// address; http:// is for a stand-in on this machine")
}

// isLoopbackURL reports whether an address is this machine's own.
func isLoopbackURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && isLocalhost(u.Host)
}
