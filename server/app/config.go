package app

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"luxbff/internal/auth/token"
	"luxbff/internal/pubsub/natsbus"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
	"luxbff/internal/text"
	"luxbff/server/gqlhttp"
	"luxbff/server/middleware"
	"luxbff/server/tracing"
)

// Config is every setting of the program, each with the name of its environment
// variable. In development all may be left out.
type Config struct {
	Addr           string         `env:"ADDR" help:"Address to listen on, HOST:PORT or unix:PATH; empty: in development 127.0.0.1:8080, in production :8080."`
	DatabaseURL    string         `env:"DATABASE_URL" default:"file:luxbff.db" help:"file:PATH for SQLite or postgres://… for PostgreSQL."`
	DatabasePool   int            `env:"DATABASE_POOL" default:"8" help:"Connections of a replica that read; on PostgreSQL as many again that write."`
	DatabaseWait   time.Duration  `env:"DATABASE_WAIT" default:"30s" help:"How long a start waits for a PostgreSQL that is not up yet."`
	ConnLifetime   time.Duration  `env:"DATABASE_CONN_LIFETIME" default:"30m" help:"Age at which a connection to PostgreSQL is replaced; at least 1s, 0 for the default."`
	DatabasePooler string         `env:"DATABASE_POOLER" default:"" enum:",transaction" help:"transaction where DATABASE_URL leads through a pooler in transaction mode, as PgBouncer's pool_mode=transaction; else empty."`
	MigrateURL     string         `env:"MIGRATE_DATABASE_URL" name:"migrate-database-url" help:"postgres://… of the same database around the pooler, for migrate and copy; empty: DATABASE_URL."`
	NATSURL        string         `env:"NATS_URL" name:"nats-url" help:"nats://HOST:4222 between replicas, several with commas; empty: there is one replica."`
	Env            string         `env:"APP_ENV" default:"" enum:",development,production" help:"development or production; empty: development, which then refuses PostgreSQL."`
	TokenKeys      string         `env:"TOKEN_KEYS" help:"kid:base64 of an Ed25519 seed, comma-separated; the first signs, all verify."`
	PublicURL      string         `env:"PUBLIC_URL" help:"Where people reach this server; links in e-mails begin with it."`
	RejoinAfter    int            `env:"REJOIN_AFTER" default:"0" help:"Days for which the phone of a deleted account is held back."`
	SessionDays    int            `env:"SESSION_DAYS" default:"180" help:"Days after its sign-in on which a session ends, however often it is refreshed; 0 for the default."`
	FacebookURL    string         `env:"FACEBOOK_GRAPH_URL" default:"https://graph.facebook.com" help:"Facebook's Graph API; empty: no sign-in with Facebook."`
	Identity       IdentityConfig `embed:""`
	SMTPURL        string         `env:"SMTP_URL" name:"smtp-url" help:"Mail server, as smtps://USER:PASSWORD@HOST:465 or smtp://USER:PASSWORD@HOST:587; empty: no e-mail leaves."`
	MailFrom       string         `env:"MAIL_FROM" help:"Sender of e-mails, as Luxbff <no-reply@example.com>."`
	FCM            FCMConfig      `embed:"" prefix:"fcm-" envprefix:"FCM_"`
	Solapi         SolapiConfig   `embed:"" prefix:"solapi-" envprefix:"SOLAPI_"`
	Twilio         TwilioConfig   `embed:"" prefix:"twilio-" envprefix:"TWILIO_"`
	SMSRoutes      string         `env:"SMS_ROUTES" name:"sms-routes" help:"Providers of SMS by country of the number, as KR:solapi,*:twilio, which is the default where both are set."`
	SMSCountries   string         `env:"SMS_COUNTRIES" name:"sms-countries" help:"Countries whose phones are taken, by ISO 3166 code, as KR,US; empty: all."`
	SMSDaily       int            `env:"SMS_DAILY_LIMIT" name:"sms-daily-limit" default:"5000" help:"SMS a day, of all replicas together; 0: any number."`
	AlimtalkDaily  int            `env:"ALIMTALK_DAILY_LIMIT" name:"alimtalk-daily-limit" default:"5000" help:"Alimtalk a day, in the same way."`
	EmailDaily     int            `env:"EMAIL_DAILY_LIMIT" name:"email-daily-limit" default:"10000" help:"E-mails a day, in the same way."`
	PushDaily      int            `env:"PUSH_DAILY_LIMIT" name:"push-daily-limit" default:"0" help:"Pushes a day, in the same way; they cost nothing."`
	Sunset         time.Time      `env:"SUNSET" format:"2006-01-02" help:"Day on which the legacy routes end, as 2027-12-31; their answers tell it."`
	Sunsets        string         `env:"SUNSETS" help:"File with the days on which single REST routes end, as GET /api/v1/lux/user/me 2027-06-30, a line each; SIGHUP reads it again."`
	MinVersions    string         `env:"MIN_APP_VERSIONS" name:"min-app-versions" help:"Oldest versions of apps that are served, as lux-ios:2.1.0@2027-01-31,lux-android:2.0, from that day on or at once; empty: all versions are."`
	RateLimits     string         `env:"RATE_LIMITS" default:"on" enum:"on,off" help:"off lifts the limits, in development alone."`
	AccountCost    int            `env:"ACCOUNT_COST" default:"100000" help:"What the GraphQL operations of one account may cost a second; it can save up 30 seconds of it."`
	AddressCost    int            `env:"ADDRESS_COST" default:"2000000" help:"What those of one address may cost, of whatever accounts, in the same way."`
	TrustedProxies string         `env:"TRUSTED_PROXIES" help:"Networks of the proxies before this server, as 10.0.0.0/8, or unix for those on a Unix socket, comma-separated: theirs is the X-Forwarded-For that is believed."`
	PerClient      int            `env:"CONNECTIONS_PER_CLIENT" default:"256" help:"Connections, and requests and sockets behind trusted proxies, that one address may hold; of IPv6, one /64 network."`
	Connections    int            `env:"CONNECTIONS" default:"20000" help:"Connections that a replica holds; what is beyond is closed at once."`
	AllowedOrigins string         `env:"ALLOWED_ORIGINS" help:"Origins of web pages and hybrid apps that may call from a browser, as https://app.example.com or capacitor://localhost, comma-separated; PUBLIC_URL's always may."`
	SchemaOpen     bool           `env:"INTROSPECTION" help:"Let clients of production read the schema."`
	Documents      string         `env:"TRUSTED_DOCUMENTS" name:"trusted-documents" help:"Files and folders with the documents of the apps, comma-separated: manifests of Apollo, maps of Relay, .graphql files; SIGHUP reads them again."`
	DocumentsMode  string         `env:"TRUSTED_DOCUMENTS_MODE" name:"trusted-documents-mode" default:"" enum:",off,log,enforce" help:"What becomes of other documents: off: they run, log: they run and are logged and counted, enforce: they are refused; to be said where TRUSTED_DOCUMENTS is."`
	AnswerBytes    int            `env:"ANSWER_BYTES" default:"8388608" help:"Size of the largest GraphQL answer or event."`
	MaxAliases     int            `env:"MAX_ALIASES" default:"30" help:"Aliases of one field in a GraphQL operation."`
	MaxRootFields  int            `env:"MAX_ROOT_FIELDS" default:"30" help:"Root fields of a GraphQL operation."`
	MaxRepeated    int            `env:"MAX_REPEATED_FIELDS" default:"50" help:"How often one field may stand in a selection set of a GraphQL operation."`
	DrainFor       time.Duration  `env:"DRAIN_FOR" default:"10s" help:"How long the program may take to end: requests finish, sockets close."`
	ShutdownDelay  time.Duration  `env:"SHUTDOWN_DELAY" default:"2s" help:"How much of DRAIN_FOR a replica of production still takes requests while /readyz fails: longer than balancers take to notice."`
	OTLP           string         `env:"OTEL_EXPORTER_OTLP_ENDPOINT" name:"otlp-endpoint" help:"OpenTelemetry collector that takes traces by OTLP over HTTP, as http://127.0.0.1:4318; empty: no traces. Further OTEL_* settings are the SDK's."`
	OTLPTraces     string         `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" name:"otlp-traces-endpoint" help:"The same with the whole path, as http://127.0.0.1:4318/v1/traces; goes before the other."`
	NoTraces       bool           `env:"OTEL_SDK_DISABLED" name:"otel-sdk-disabled" help:"Send no traces whatever else is set."`
	MetricsAddr    string         `env:"METRICS_ADDR" help:"Address to serve GET /metrics on, apart from all else; empty: in development with all else, in production nowhere."`
}

// mostDays is a hundred years. A time.Duration ends at 292 years: a setting beyond that
// would become a negative one, which ends every session and holds no phone back.
const mostDays = 36_500

// Development reports whether the program runs without secrets and with the
// pages that developers use.
func (c Config) Development() bool { return c.Env != "production" }

// Environment names the one that the program runs in.
func (c Config) Environment() string {
	if c.Development() {
		return "development"
	}
	return c.Env
}

// ListenAddr is the address to listen on. Development shows messages and tokens to whoever
// asks, so unless it is named otherwise nobody but this machine can.
func (c Config) ListenAddr() string {
	switch {
	case c.Addr != "":
		return c.Addr
	case c.Development():
		return "127.0.0.1:8080"
	}
	return ":8080"
}

// Check gives an error that names each setting on which the program can't run, or on
// which production can't run safely. It repeats no value: some are secrets, and the
// error ends up in logs.
func (c Config) Check() error {
	var wrong []error
	if c.Env == "" && store.IsPostgres(c.DatabaseURL) {
		wrong = append(wrong, errors.New("APP_ENV must say production or development where the database is PostgreSQL: development signs with a key that anybody knows, and loads a demo family"))
	}
	if c.MigrateURL != "" && (!store.IsPostgres(c.MigrateURL) || !store.IsPostgres(c.DatabaseURL)) {
		wrong = append(wrong, errors.New("MIGRATE_DATABASE_URL must be a postgres:// URL of the database that DATABASE_URL leads to, which SQLite has none of"))
	}
	if c.DatabasePool < 0 {
		wrong = append(wrong, errors.New("DATABASE_POOL must not be negative"))
	}
	if c.ConnLifetime < 0 || c.ConnLifetime > 0 && c.ConnLifetime < time.Second {
		wrong = append(wrong, errors.New("DATABASE_CONN_LIFETIME must be at least 1s, as 30m, or 0 for the default"))
	}
	if c.PerClient < 0 || c.Connections < 0 {
		wrong = append(wrong, errors.New("CONNECTIONS_PER_CLIENT and CONNECTIONS must not be negative"))
	}
	if c.RejoinAfter < 0 || c.RejoinAfter > mostDays {
		wrong = append(wrong, fmt.Errorf("REJOIN_AFTER must be 0 to %d days", mostDays))
	}
	if c.SessionDays < 0 || c.SessionDays > mostDays {
		wrong = append(wrong, fmt.Errorf("SESSION_DAYS must be 0 to %d days", mostDays))
	}
	if c.SMSDaily < 0 || c.AlimtalkDaily < 0 || c.EmailDaily < 0 || c.PushDaily < 0 {
		wrong = append(wrong, errors.New("SMS_DAILY_LIMIT, ALIMTALK_DAILY_LIMIT, EMAIL_DAILY_LIMIT and PUSH_DAILY_LIMIT must not be negative; 0 is for any number"))
	}
	if _, err := c.minVersions(); err != nil {
		wrong = append(wrong, err)
	}
	if c.NATSURL != "" {
		wrong = append(wrong, natsbus.CheckURL(c.NATSURL))
	}
	if c.ShutdownDelay < 0 || c.DrainFor > 0 && c.ShutdownDelay >= c.DrainFor {
		wrong = append(wrong, errors.New("SHUTDOWN_DELAY must be shorter than DRAIN_FOR"))
	}
	if c.AnswerBytes < 0 || c.MaxAliases < 0 || c.MaxRootFields < 0 || c.MaxRepeated < 0 {
		wrong = append(wrong, errors.New("ANSWER_BYTES, MAX_ALIASES, MAX_ROOT_FIELDS and MAX_REPEATED_FIELDS must not be negative"))
	}
	for name, perSecond := range map[string]int{"ACCOUNT_COST": c.AccountCost, "ADDRESS_COST": c.AddressCost} {
		if least := gqlhttp.DefaultMaxComplexity/ratelimit.BudgetSeconds + 1; perSecond != 0 && (perSecond < least || perSecond > ratelimit.MaxRefill) {
			wrong = append(wrong, fmt.Errorf("%s must be %d, so that an operation can be paid for, to %d; 0 is for the default", name, least, ratelimit.MaxRefill))
		}
	}
	switch {
	case c.Documents != "" && c.DocumentsMode == "":
		wrong = append(wrong, errors.New("TRUSTED_DOCUMENTS_MODE must say off, log or enforce where TRUSTED_DOCUMENTS is set"))
	case c.Documents == "" && c.enforcesDocuments(), c.Documents == "" && c.logsDocuments():
		wrong = append(wrong, errors.New("TRUSTED_DOCUMENTS is missing: TRUSTED_DOCUMENTS_MODE is about the documents that it names"))
	case c.Documents != "" && len(c.documentPaths()) == 0:
		wrong = append(wrong, errors.New("TRUSTED_DOCUMENTS must name files or folders, comma-separated"))
	}
	wrong = append(wrong, checkAddress("ADDR", c.Addr), checkAddress("METRICS_ADDR", c.MetricsAddr))
	if _, err := c.trustedProxies(); err != nil {
		wrong = append(wrong, err)
	}
	if _, err := c.origins(); err != nil {
		wrong = append(wrong, err)
	}
	if _, err := c.smsCountries(); err != nil {
		wrong = append(wrong, err)
	}
	if _, err := c.senders(Options{}.withDefaults()); err != nil {
		wrong = append(wrong, err)
	}
	if _, err := c.socialProviders(Options{}.withDefaults()); err != nil {
		wrong = append(wrong, err)
	}
	if to := c.tracesTo(); to != "" {
		wrong = append(wrong, tracing.CheckAddress(to))
	}
	if !c.Development() {
		wrong = append(wrong, c.checkProduction())
	}
	return errors.Join(wrong...)
}

// checkProduction refuses what is convenient in development and would let strangers in
// here.
func (c Config) checkProduction() error {
	var wrong []error
	if c.TokenKeys == "" {
		wrong = append(wrong, errors.New("TOKEN_KEYS is missing: tokens signed with the development key can be forged"))
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Scheme != "https" || u.Host == "" {
		wrong = append(wrong, errors.New("PUBLIC_URL must be an https:// address"))
	}
	if c.RateLimits == "off" {
		wrong = append(wrong, errors.New("RATE_LIMITS=off is for development alone"))
	}
	return errors.Join(wrong...)
}

// trustedProxies reads TRUSTED_PROXIES; a single proxy is named as 10.0.0.5/32, and one
// that comes by a Unix socket as unix.
func (c Config) trustedProxies() (middleware.Proxies, error) {
	var proxies middleware.Proxies
	for text := range strings.SplitSeq(c.TrustedProxies, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if text == "unix" {
			proxies.Unix = true
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return middleware.Proxies{}, errors.New("TRUSTED_PROXIES must be networks as 10.0.0.0/8, or unix for those on a Unix socket, comma-separated")
		}
		proxies.Networks = append(proxies.Networks, network.Masked())
	}
	return proxies, nil
}

// smsCountries reads SMS_COUNTRIES; nil is for all.
func (c Config) smsCountries() ([]string, error) {
	if strings.TrimSpace(c.SMSCountries) == "" {
		return nil, nil
	}
	var countries []string
	for code := range strings.SplitSeq(c.SMSCountries, ",") {
		code = strings.TrimSpace(code)
		if !text.ValidCountry(code) {
			return nil, errors.New("SMS_COUNTRIES must be ISO 3166 codes in capitals, comma-separated, as KR,US; empty for all countries")
		}
		countries = append(countries, code)
	}
	return countries, nil
}

// origins are PUBLIC_URL's own and those of ALLOWED_ORIGINS. In development there is also
// the address that the server listens on, where GraphiQL is.
func (c Config) origins() (middleware.Origins, error) {
	origins := middleware.Origins{OwnAddress: c.Development()}
	if public, err := url.Parse(c.PublicURL); err == nil && public.Host != "" {
		if own, err := middleware.ParseOrigin(public.Scheme + "://" + public.Host); err == nil {
			origins.Allowed = append(origins.Allowed, own)
		}
	}
	for text := range strings.SplitSeq(c.AllowedOrigins, ",") {
		if strings.TrimSpace(text) == "" {
			continue
		}
		origin, err := middleware.ParseOrigin(text)
		if err != nil {
			return origins, errors.New("ALLOWED_ORIGINS must be origins as https://app.example.com or capacitor://localhost, comma-separated; neither * nor null is one")
		}
		if host, isHTTP := strings.CutPrefix(origin, "http://"); isHTTP && !c.Development() && !isLocalhost(host) {
			return origins, errors.New("ALLOWED_ORIGINS: a page that comes by http:// can be changed on its way; production takes https:// ones, and http://localhost for hybrid apps")
		}
		origins.Allowed = append(origins.Allowed, origin)
	}
	return origins, nil
}

// isLocalhost reports whether a host, with a port or without, is the device itself.
func isLocalhost(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	address, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && address.IsLoopback()
}

// Database is how the store opens the database.
func (c Config) Database() store.Config {
	return store.Config{
		URL: c.DatabaseURL, Connections: c.DatabasePool, Wait: c.DatabaseWait, ConnLifetime: c.ConnLifetime,
		TransactionPooling: c.DatabasePooler == "transaction",
	}
}

// MigrateDatabase is how the store opens the database to change its tables.
func (c Config) MigrateDatabase() store.Config {
	database := c.Database()
	if c.MigrateURL != "" {
		database.URL = c.MigrateURL
	}
	return database
}

// Keys are those of TOKEN_KEYS, or the development ones. Production accepts no key
// that can be guessed: with it anybody could sign tokens.
func (c Config) Keys() (*token.Keys, error) {
	if c.TokenKeys == "" {
		// Check refuses this in production.
		return token.DevelopmentKeys(), nil
	}
	keys, err := token.ParseKeys(c.TokenKeys)
	if err != nil {
		return nil, fmt.Errorf("TOKEN_KEYS: %w", err)
	}
	if weak := keys.Guessable(); len(weak) > 0 && !c.Development() {
		return nil, fmt.Errorf("TOKEN_KEYS: %s can be guessed: `head -c 32 /dev/urandom | base64` makes a seed", strings.Join(weak, ", "))
	}
	return keys, nil
}

// tracesTo is the collector's whole address for traces, which the OpenTelemetry
// specification makes of these variables; empty for no traces.
func (c Config) tracesTo() string {
	switch {
	case c.NoTraces:
		return ""
	case c.OTLPTraces != "":
		return c.OTLPTraces
	case c.OTLP != "":
		return strings.TrimSuffix(c.OTLP, "/") + "/v1/traces"
	}
	return ""
}

// URL is where the server is reached, for what it prints and links to.
func (c Config) URL() string {
	if c.PublicURL != "" {
		return strings.TrimSuffix(c.PublicURL, "/")
	}
	host := c.ListenAddr()
	if strings.HasPrefix(host, "unix:") {
		return "http://localhost" // of a proxy that is set up for development
	}
	if strings.HasPrefix(host, ":") {
		host = "localhost" + host
	}
	return "http://" + host
}
