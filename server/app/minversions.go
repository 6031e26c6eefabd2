package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/internal/apperr"
	"luxbff/internal/appversion"
	"luxbff/internal/usage"
	"luxbff/internal/viewer"
	"luxbff/server/metrics"
	"luxbff/server/middleware"
)

// refusedOperation stands for the operation where the app was refused before its document was
// looked at.
const refusedOperation = "none"

// upgradeHeader warns of a version that will be refused, where a response has no extensions.
const upgradeHeader = "Upgrade-Notice"

// minVersions reads MIN_APP_VERSIONS.
func (c Config) minVersions() (appversion.Minimums, error) {
	minimums, err := appversion.ParseMinimums(c.MinVersions)
	if err != nil {
		return minimums, fmt.Errorf("MIN_APP_VERSIONS: %w", err)
	}
	for _, app := range minimums.Apps() {
		if isNameless := app == metrics.NewClientApp("", "", "").Name; isNameless || metrics.NewClientApp(app, "", "").Name != app {
			return minimums, errors.New("MIN_APP_VERSIONS: a name is not one of 40 letters, digits, spaces, dots, _, + and - that begins with a letter or digit: no app is known by it")
		}
	}
	return minimums, nil
}

// checkApp says whether the version of the app that asks is served.
func (a *App) checkApp(said viewer.Client) appversion.Verdict {
	if a.minimums.IsEmpty() {
		return appversion.Verdict{}
	}
	app := clientApp(said)
	return a.minimums.Check(app.Name, app.Version, a.options.Clock())
}

// refuseApp gives the error for a version that is not served, nil for any other.
func (a *App) refuseApp(said viewer.Client) error {
	verdict := a.checkApp(said)
	if !verdict.IsRefused {
		return nil
	}
	return apperr.UpgradeRequired.New().WithReason(fmt.Sprintf("%s has to be %s or newer.", clientApp(said).Name, verdict.Minimum))
}

// admitRequest refuses the requests to REST routes of versions that are not served. It is nil
// where all are.
func (a *App) admitRequest() func(*http.Request) error {
	if a.minimums.IsEmpty() {
		return nil
	}
	return func(r *http.Request) error { return a.refuseApp(middleware.ClientFromHeader(r.Header)) }
}

// admitOperation does the same for GraphQL operations.
func (a *App) admitOperation() func(context.Context) error {
	if a.minimums.IsEmpty() {
		return nil
	}
	return func(ctx context.Context) error { return a.admitClient(viewer.ClientFrom(ctx)) }
}

// admitClient counts whom it refuses: an operator sees who still has the old version, though
// not what he wanted.
func (a *App) admitClient(said viewer.Client) error {
	err := a.refuseApp(said)
	if err != nil {
		app := clientApp(said)
		a.Usage.Count(usage.Use{Surface: middleware.SurfaceGraphQL, Name: refusedOperation, App: app.Name, Version: app.Version}, false)
	}
	return err
}

// admitSocket refuses a socket, or gives what its connection_ack says beforehand.
func (a *App) admitSocket(said viewer.Client) (ack map[string]any, err error) {
	if err := a.admitClient(said); err != nil {
		return nil, err
	}
	if verdict := a.checkApp(said); verdict.Minimum != "" {
		ack = map[string]any{"notice": describeNotice(verdict)}
	}
	return ack, nil
}

// describeNotice gives a warning as it stands in the extensions of a response.
func describeNotice(verdict appversion.Verdict) map[string]any {
	return map[string]any{
		"code":           apperr.UpgradeRequired.New().Code(),
		"message":        "This version of the app will not be served any more. Update it.",
		"minimumVersion": verdict.Minimum,
		"from":           formatMoment(verdict.From),
	}
}

func formatMoment(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// withUpgradeNotice warns by a header of a version that will be refused. Where one is refused
// it names the version that is served: a 426 has to say what to upgrade to (RFC 9110, section
// 15.5.22). HTTP/2 has no such header, and on the upgrade to a socket it is the protocol's.
func (a *App) withUpgradeNotice(next http.Handler) http.Handler {
	if a.minimums.IsEmpty() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := middleware.ClientFromHeader(r.Header)
		verdict := a.checkApp(said)
		switch {
		case verdict.Minimum == "":
		case !verdict.IsRefused:
			w.Header().Set(upgradeHeader, fmt.Sprintf("minimum-version=%q, from=%q", verdict.Minimum, formatMoment(verdict.From)))
		case r.ProtoMajor == 1 && r.Header.Get("Upgrade") == "":
			w.Header().Set("Upgrade", strings.ReplaceAll(clientApp(said).Name, " ", "-")+"/"+verdict.Minimum)
			w.Header().Add("Connection", "Upgrade")
		}
		next.ServeHTTP(w, r)
	})
}

// upgradeNotice warns of a version that will be refused in the answers to queries and
// mutations. A subscription has its warning from the header, or from the connection_ack of
// its socket: it would be the same in each event.
type upgradeNotice struct {
	check func(viewer.Client) appversion.Verdict
}

var _ interface {
	graphql.HandlerExtension
	graphql.ResponseInterceptor
} = upgradeNotice{}

// ExtensionName implements graphql.HandlerExtension.
func (upgradeNotice) ExtensionName() string { return "UpgradeNotice" }

// Validate implements graphql.HandlerExtension.
func (upgradeNotice) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse implements graphql.ResponseInterceptor.
func (u upgradeNotice) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	operation := graphql.GetOperationContext(ctx).Operation
	response := next(ctx)
	if response == nil || operation != nil && operation.Operation == ast.Subscription {
		return response
	}
	if verdict := u.check(viewer.ClientFrom(ctx)); verdict.Minimum != "" && !verdict.IsRefused {
		if response.Extensions == nil {
			response.Extensions = map[string]any{}
		}
		response.Extensions["notice"] = describeNotice(verdict)
	}
	return response
}
