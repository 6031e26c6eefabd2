package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"luxbff/internal/background"
	"luxbff/server/metrics"
)

// TestPanicsInTheBackgroundAreLoggedAndCounted, without what they were panicked with.
func TestPanicsInTheBackgroundAreLoggedAndCounted(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	a := &App{options: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, metrics: metrics.New()}
	a.onPanic(t.Context(), background.Recover(func() { panic("secret") }))
	if text := log.String(); !strings.Contains(text, "panic") || !strings.Contains(text, "TestPanicsInTheBackground") || strings.Contains(text, "secret") {
		t.Errorf("the log has %s", text)
	}
	page := httptest.NewRecorder()
	a.metrics.Handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if want := `luxbff_errors_total{code="INTERNAL",surface="background"} 1`; !strings.Contains(page.Body.String(), want) {
		t.Errorf("the metrics lack %s", want)
	}
}
