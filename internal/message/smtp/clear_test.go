package smtp_test

import (
	"testing"

	"luxbff/internal/message/smtp"
	"luxbff/internal/testutil/smtptest"
)

// TestNoMailGoesOutInTheClear, also where there is no password.
func TestNoMailGoesOutInTheClear(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.None)
	_, err := newSenderTo(t, smtp.Config{URL: "smtp://" + server.Addr, From: from}).Send(t.Context(), 1, reset())
	if err == nil || len(server.Mails()) > 0 {
		t.Errorf("%v, and the server has %v", err, server.Mails())
	}
}
