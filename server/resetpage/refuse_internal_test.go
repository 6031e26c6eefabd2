package resetpage

import (
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"luxbff/internal/apperr"
)

// TestEveryErrorKeepsItsStatus: a proxy, a cache and the operator's metrics read the
// status, so it is the same as on the other surfaces.
func TestEveryErrorKeepsItsStatus(t *testing.T) {
	t.Parallel()
	p := &page{
		log:    slog.New(slog.DiscardHandler),
		html:   template.Must(template.New("page").Parse(pageTemplate)),
		revert: template.Must(template.New("revert").Parse(revertTemplate)),
	}
	for _, kind := range apperr.Kinds() {
		err, retryAfter := error(kind.New()), ""
		switch kind {
		case apperr.TooManyRequests:
			err, retryAfter = kind.WithRetryAfter(90*time.Second), "90"
		case apperr.Unavailable, apperr.ProviderUnavailable:
			retryAfter = "5"
		}
		for path, refuse := range map[string]func(http.ResponseWriter, *http.Request, string, error){
			Path: p.refuse, RevertPath: p.refuseRevert,
		} {
			w := httptest.NewRecorder()
			refuse(w, httptest.NewRequest(http.MethodPost, path, nil), "token", err)
			if w.Code != kind.Status() || w.Header().Get("Retry-After") != retryAfter || !strings.Contains(w.Body.String(), `role="alert"`) {
				t.Errorf("%s, %s: %d, Retry-After %q, %s", path, kind.New().Code(), w.Code, w.Header().Get("Retry-After"), w.Body)
			}
		}
	}
}
