//go:build browser

package clients_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/browsertest"
	"luxbff/internal/testutil/processtest"
)

// servedAt is the line in which Vite says where it serves.
var servedAt = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// TestWebSample drives the web sample as a parent would: a wrong password, the home screen, a
// change as it happens, an access token that was too old, and the way out. Run `npm ci` and
// `npm run build` in examples/web before.
func TestWebSample(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := s.NewFamily(t)
	vite := exec.CommandContext(t.Context(), filepath.Join("node_modules", ".bin", "vite"), "preview", "--host", "127.0.0.1")
	vite.Dir = filepath.Join("..", "..", "examples", "web")
	vite.Env = append(vite.Environ(), "LUXBFF_URL="+s.URL, "NO_COLOR=1")
	served := processtest.Launch(t, vite)
	served.WaitFor(t, "Vite serves the sample", func() bool { return servedAt.MatchString(served.Log.String()) })
	origin := servedAt.FindString(served.Log.String())

	p := browsertest.Visit(t, browsertest.Start(t), origin)
	p.Explain = func() string { return p.Try("document.body.innerText") }
	signIn := func(password string) {
		p.WaitFor(`document.querySelector("form") !== null`)
		p.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
			`document.querySelector("[name=email]").value = "parent1@example.com"; document.querySelector("[name=password]").value = %q; undefined`, password)))
		p.Click("form button")
	}
	signIn("wrong 123")
	p.WaitFor(`document.querySelector("[role=alert]").textContent !== ""`)
	signIn("secret123")
	p.WaitFor(`document.body.innerText.includes("Hello, james") && document.body.innerText.includes("last log none")`)
	p.WaitFor(`document.body.innerText.includes("connected")`)

	upload := func(logFileID int) {
		var signedIn struct {
			SignIn struct{ Tokens struct{ AccessToken string } }
		}
		s.Data(t, "", `mutation { signIn(input: {email: "parent1@example.com", password: "secret123"}) { tokens { accessToken } } }`, nil, &signedIn)
		s.Data(t, signedIn.SignIn.Tokens.AccessToken, `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { devlogs { id } } }`,
			map[string]any{"logs": []map[string]any{{
				"childUserId": family.Child.ID, "deviceId": family.DeviceID, "uniqueId": family.UniqueID, "finishFlag": "NORMAL_SHUTDOWN",
				"treatmentDate": fmt.Sprintf("2026-03-04T10:0%d:00Z", logFileID), "lastIntensity": 3, "treatmentTime": 60, "logFileId": logFileID,
			}}}, new(map[string]any))
		p.WaitFor(fmt.Sprintf(`document.body.innerText.includes("last log %d") && document.querySelectorAll(".feed li").length === %[1]d`, logFileID))
	}
	upload(1)
	p.Screenshot("web-sample.png")

	// The access token of the page is too old now.
	s.Clock.Add(20 * time.Minute)
	upload(2)
	p.Resize(390, 800)
	p.Screenshot("web-sample-narrow.png")
	p.CheckOrigin(origin)

	p.Click("header button")
	p.WaitFor(`document.querySelector("form") !== null && localStorage.length === 0`)
}
