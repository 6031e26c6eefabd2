//go:build browser

package clients_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/browsertest"
	"luxbff/internal/testutil/processtest"
)

// TestWebSample drives the web sample as a parent would: a wrong password, the home screen, logs as
// they begin, go on and end, a break, a token that became too old while nothing was done, a refresh
// of another tab, a session that was ended elsewhere, and the way out. Run `npm ci` and `npm run build` in examples/web before.
func TestWebSample(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := s.NewFamily(t)
	addr := processtest.FreeAddr(t)
	serve := func() *processtest.Process {
		_, port, _ := strings.Cut(addr, ":")
		vite := exec.CommandContext(t.Context(), filepath.Join("node_modules", ".bin", "vite"), "preview", "--host", "127.0.0.1", "--port", port, "--strictPort")
		vite.Dir = filepath.Join("..", "..", "examples", "web")
		vite.Env = append(vite.Environ(), "LUXBFF_URL="+s.URL, "NO_COLOR=1")
		served := processtest.Launch(t, vite)
		served.WaitFor(t, "Vite serves the sample", func() bool { return strings.Contains(served.Log.String(), addr) })
		return served
	}
	vite := serve()
	origin := "http://" + addr

	p := browsertest.Visit(t, browsertest.Start(t), origin)
	p.Explain = func() string { return p.Try("document.body.innerText") }
	waitForText := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			p.WaitFor(fmt.Sprintf(`document.body.innerText.includes(%q)`, text))
		}
	}
	signIn := func(password string) {
		p.WaitFor(`document.querySelector("form") !== null`)
		p.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
			`document.querySelector("[name=email]").value = "parent1@example.com"; document.querySelector("[name=password]").value = %q; undefined`, password)))
		p.Click("form button")
	}
	signIn("wrong 123")
	p.WaitFor(`document.querySelector("[role=alert]").textContent !== ""`)
	signIn("secret123")
	waitForText("Hello, james", "last log none", "connected")

	// elsewhere runs a mutation of the parent's other phone.
	elsewhere := func(mutation string, variables map[string]any) {
		t.Helper()
		var signedIn struct {
			SignIn struct{ Tokens struct{ AccessToken string } }
		}
		s.Data(t, "", `mutation { signIn(input: {email: "parent1@example.com", password: "secret123"}) { tokens { accessToken } } }`, nil, &signedIn)
		s.Data(t, signedIn.SignIn.Tokens.AccessToken, mutation, variables, new(map[string]any))
	}
	upload := func(n int, more map[string]any) {
		t.Helper()
		log := map[string]any{
			"childUserId": family.Child.ID, "deviceId": family.DeviceID, "uniqueId": family.UniqueID,
			"treatmentDate": fmt.Sprintf("2026-03-04T1%d:00:00Z", n), "lastIntensity": 3, "treatmentTime": 60,
		}
		maps.Copy(log, more)
		elsewhere(`mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { devlogs { id } } }`,
			map[string]any{"logs": []map[string]any{log}})
	}
	ended := func(logFileID int) map[string]any {
		return map[string]any{"finishFlag": "NORMAL_SHUTDOWN", "logFileId": logFileID}
	}
	upload(1, ended(1))
	waitForText("last log 1", "log 1 completed")
	upload(2, nil)
	waitForText("running log created")
	upload(2, map[string]any{"treatmentTime": 120})
	waitForText("running log updated")
	upload(2, ended(2))
	waitForText("last log 2", "log 2 completed")
	p.Screenshot("web-sample.png")

	// After a break all is there that happened meanwhile, and nothing twice.
	vite.Kill()
	upload(3, ended(3))
	serve()
	waitForText("last log 3", "log 3 completed")
	p.WaitFor(`document.querySelectorAll(".feed li").length === 5`)

	// The token ends soon after the socket was opened, and nothing but the socket's end says so.
	s.Clock.Add(15*time.Minute - 2*time.Second)
	p.Go(origin)
	waitForText("connected")
	upload(4, ended(4))
	waitForText("log 4 completed")
	const tokens = `localStorage.getItem("tokens")`
	before := browsertest.Evaluate[string](p, tokens)
	s.Clock.Add(20 * time.Minute)
	p.WaitFor(fmt.Sprintf(`%s !== %q`, tokens, before))
	upload(5, ended(5))
	waitForText("last log 5", "log 5 completed")

	// Another tab refreshes, and uses what it got: the token that this one had ends the session now.
	var kept struct{ AccessToken, RefreshToken string }
	if err := json.Unmarshal([]byte(browsertest.Evaluate[string](p, tokens)), &kept); err != nil {
		t.Fatal(err)
	}
	var refreshed struct {
		RefreshToken struct{ Tokens json.RawMessage }
	}
	s.Data(t, "", `mutation($token: String!) { refreshToken(input: {refreshToken: $token}) { tokens { accessToken refreshToken } } }`,
		map[string]any{"token": kept.RefreshToken}, &refreshed)
	if err := json.Unmarshal(refreshed.RefreshToken.Tokens, &kept); err != nil {
		t.Fatal(err)
	}
	s.Data(t, kept.AccessToken, `{ me { id } }`, nil, new(map[string]any))
	p.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`addEventListener("storage", () => { window.isTold = true });
		document.body.append(document.createElement("iframe"));
		frames[0].localStorage.setItem("tokens", %q);
		document.querySelector("iframe").remove()`, refreshed.RefreshToken.Tokens)))
	p.WaitFor("window.isTold")
	s.Clock.Add(20 * time.Minute)
	upload(6, ended(6))
	waitForText("last log 6", "log 6 completed")

	p.Resize(390, 800)
	p.Screenshot("web-sample-narrow.png")
	p.CheckOrigin(origin)

	const isSignedOut = `document.querySelector("form") !== null && localStorage.length === 0`
	elsewhere(`mutation { signOutEverywhere { ok } }`, nil)
	p.WaitFor(isSignedOut)
	signIn("secret123")
	waitForText("last log 6", "connected")
	p.Click("header button")
	p.WaitFor(isSignedOut)
}
