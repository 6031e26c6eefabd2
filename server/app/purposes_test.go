package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	entmessage "luxbff/ent/message"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/fcmtest"
	"luxbff/internal/testutil/smtptest"
	"luxbff/server/app"
)

const messagesPath = "../../docs/messages.md"

// TestEachPurposeLeavesInProduction has the program send a message of every purpose, and
// compares by what they left with docs/messages.md.
func TestEachPurposeLeavesInProduction(t *testing.T) {
	t.Parallel()
	provider, mail, project := startSMSProvider(t), smtptest.Start(t, smtptest.None), fcmtest.Start(t)
	s := startWithProviders(t, provider, mail, func(cfg *app.Config) {
		cfg.FCM = app.FCMConfig{Credentials: project.CredentialsPath, URL: project.URL}
	})
	w := &pushWorld{Server: s, fcm: project, token: signUp(t, s, provider, "+821012345678", "parent@example.com")}
	w.setPushToken(t, phoneOf(1))
	w.child = s.CreateChild(t, w.token)
	for _, operation := range []string{
		`mutation { sendSmsCode(input: {phone: "+821011111111"}) { ok } }`,
		`mutation { sendSmsCode(input: {phone: "+4915112345678", purpose: RECOVERY}) { ok } }`,
		`mutation { sendSmsCode(input: {phone: "+821033333333", purpose: CHANGE_PHONE}) { ok } }`,
		`mutation { sendEmailVerification(input: {email: "parent@example.com"}) { ok } }`,
		`mutation { requestPasswordReset(input: {email: "parent@example.com"}) { ok } }`,
		`mutation { createLocalCredential(input: {localId: "abcd1234", password: "secret123"}) { user { id } } }`,
		`mutation { sendImpedanceAlert { ok } }`,
		`mutation { updateNotificationSettings(input: {isDeviceAlimTalkEnabled: true}) { user { id } } }`,
		`mutation { sendImpedanceAlert { ok } }`,
	} {
		s.Clock.Add(61 * time.Second)
		s.Data(t, w.token, operation, nil, &struct{}{})
		waitUntilAllAreTried(t, s) // a code that waits while the clock goes on expires
	}
	postAs(t, s, signInPath, "", `{"username": "parent@example.com", "password": "secret123"}`, map[string]string{"User-Agent": "LUX/3.2 (iPhone)"})
	w.upload(t, "FAULTY_CONTACTS_SHUTDOWN", 1)
	for _, to := range []string{"+14155550100", "operator@example.com"} {
		if finding := app.SendTest(t.Context(), s.App.Config, app.Options{}, to); !strings.Contains(finding.Detail, "by ") {
			t.Errorf("the test to %s: %s", to, finding.Detail)
		}
	}
	waitUntilAllAreTried(t, s)
	if diff := cmp.Diff(documentedPurposes(t), purposesThatLeft(t, s)); diff != "" {
		t.Errorf("docs/messages.md (-), what left (+):\n%s", diff)
	}
}

func waitUntilAllAreTried(t *testing.T, s *apptest.Server) {
	t.Helper()
	testutil.WaitFor(t, "all are sent", func() bool {
		waiting, err := s.App.Store.Read().Message.Query().Where(entmessage.StateEQ(entmessage.StatePending)).Exist(t.Context())
		return err == nil && !waiting
	})
}

// purposesThatLeft are the channels by which messages of each purpose were taken.
func purposesThatLeft(t *testing.T, s *apptest.Server) map[string][]string {
	t.Helper()
	rows, err := s.App.Store.Read().Message.Query().
		Where(entmessage.StateIn(entmessage.StateSent, entmessage.StateDelivered)).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := map[string][]string{}
	for _, row := range rows {
		purpose := strings.ToUpper(row.Purpose.String())
		if !slices.Contains(left[purpose], row.Channel.String()) {
			left[purpose] = append(left[purpose], row.Channel.String())
			slices.Sort(left[purpose])
		}
	}
	return left
}

// documentedPurposes are the channels of each purpose as docs/messages.md has them. It fails
// for a test that is named there and does not exist.
func documentedPurposes(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(messagesPath)
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|[^|]*\\| ([^|]*) \\|").FindAllStringSubmatch(string(text), -1) {
		channels := strings.Split(strings.ReplaceAll(strings.ToLower(row[2]), "-", ""), ", ")
		slices.Sort(channels)
		documented[row[1]] = channels
	}
	named := regexp.MustCompile("([a-z/0-9]+) `(Test\\w+)`").FindAllStringSubmatch(string(text), -1)
	for _, test := range named {
		paths, err := filepath.Glob(filepath.Join("../..", test[1], "*_test.go"))
		if err != nil || !slices.ContainsFunc(paths, func(path string) bool {
			source, err := os.ReadFile(path)
			return err == nil && strings.Contains(string(source), fmt.Sprintf("func %s(", test[2]))
		}) {
			t.Errorf("%s has no %s", test[1], test[2])
		}
	}
	if len(named) < 15 {
		t.Errorf("only %d tests are named", len(named))
	}
	return documented
}
