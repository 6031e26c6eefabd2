package template_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message/template"
)

func load(t *testing.T) *template.Texts {
	t.Helper()
	texts, err := template.New()
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// sent are all messages that the program sends, with the words by which each names its purpose
// at once, and how long an SMS of it may be.
func sent() map[string]struct {
	channel entmessage.Channel
	purpose entmessage.Purpose
	values  template.Values
	korean  string
	english string
} {
	type row = struct {
		channel entmessage.Channel
		purpose entmessage.Purpose
		values  template.Values
		korean  string
		english string
	}
	code := template.Values{template.Code: "123456", template.Minutes: "3"}
	rows := map[string]row{
		"code":         {entmessage.ChannelSms, entmessage.PurposePhoneCode, code, "인증번호 123456", "Your verification code is 123456."},
		"sign-up":      {entmessage.ChannelSms, entmessage.PurposeSignUpCode, code, "회원가입 인증번호 123456", "Your verification code to sign up is 123456."},
		"recovery":     {entmessage.ChannelSms, entmessage.PurposeRecoveryCode, code, "계정 찾기 인증번호 123456", "Your verification code to find your account is 123456."},
		"change-phone": {entmessage.ChannelSms, entmessage.PurposeChangePhoneCode, code, "전화번호 변경 인증번호 123456", "Your verification code to change your phone number is 123456."},
		"e-mail code":  {entmessage.ChannelEmail, entmessage.PurposeEmailCode, code, "이메일 주소 인증번호는 123456", "Your verification code for this e-mail address is 123456."},
		"reset": {
			entmessage.ChannelEmail, entmessage.PurposePasswordReset,
			template.Values{template.Link: "https://lux.example/reset-password?token=x", template.Minutes: "30"},
			"비밀번호를 재설정하려면 30분", "To choose a new password, open this link within 30 minutes: https://lux.example/reset-password?token=x",
		},
		"alert":           {entmessage.ChannelAlimtalk, entmessage.PurposeImpedanceAlert, nil, "전극 접촉 불량", "Poor electrode contact"},
		"alert by SMS":    {entmessage.ChannelSms, entmessage.PurposeImpedanceAlert, nil, "전극 접촉 불량", "Poor electrode contact"},
		"faulty contacts": {entmessage.ChannelPush, entmessage.PurposeFaultyContacts, nil, "전극 접촉 불량", "The treatment ended because of poor"},
		"new sign-in":     {entmessage.ChannelPush, entmessage.PurposeNewSignIn, template.Values{template.App: "LUX 3.2", template.At: "2026-03-04 12:00 UTC"}, "새로운 기기에서 로그인", "Sign-in on a device"},
		"test by push":    {entmessage.ChannelPush, entmessage.PurposeTest, nil, "luxbff 테스트 메시지", "Test message"},
		"test by e-mail":  {entmessage.ChannelEmail, entmessage.PurposeTest, nil, "luxbff 테스트 메시지", "Test message"},
		"test by SMS":     {entmessage.ChannelSms, entmessage.PurposeTest, nil, "luxbff 테스트 메시지", "Test message"},
	}
	reports := map[template.Phrase][2]string{
		template.EmailChanged:     {"계정의 이메일 주소가 변경", "The e-mail address of your account was changed ("},
		template.EmailReverted:    {"계정의 이메일 주소가 이전", "The e-mail address of your account was taken back"},
		template.PhoneChanged:     {"계정의 전화번호가", "The phone number of your account was changed ("},
		template.PasswordChanged:  {"계정의 비밀번호가 변경", "The password of your account was changed ("},
		template.PasswordReset:    {"계정의 비밀번호가 이메일로", "The password of your account was reset by e-mail ("},
		template.LocalIDAdded:     {"계정에 로그인 아이디가", "An ID to sign in by was added to your account ("},
		template.ProviderLinked:   {"계정에 Kakao 계정이", "A Kakao account was linked to your account ("},
		template.ProviderUnlinked: {"계정의 Kakao 연결이", "The link of your account to Kakao was removed ("},
		template.AccountDeleted:   {"계정이 삭제", "Your account was deleted ("},
	}
	for phrase, begins := range reports {
		for _, channel := range []entmessage.Channel{entmessage.ChannelSms, entmessage.ChannelEmail} {
			for _, advice := range []template.Phrase{template.AdviseReset, template.AdviseAfterDeletion, template.AdviseSupport, template.AdviseRevert} {
				if advice == template.AdviseRevert && channel == entmessage.ChannelSms {
					continue // the link is for the mailbox alone
				}
				rows[string(phrase)+" by "+channel.String()+", "+string(advice)] = row{channel, entmessage.PurposeAccountReport, template.Values{
					template.Change: string(phrase), template.Advice: string(advice), template.At: "2026-03-04 12:00 UTC",
					template.Provider: "Kakao", template.Link: "https://lux.example/revert-email?token=x", template.Hours: "72",
				}, begins[0], begins[1]}
			}
		}
	}
	return rows
}

// TestEveryTextNamesItsPurpose renders each text that is sent, in both languages.
func TestEveryTextNamesItsPurpose(t *testing.T) {
	t.Parallel()
	texts := load(t)
	tried := map[entmessage.Purpose]bool{}
	for name, c := range sent() {
		tried[c.purpose] = true
		for language, begins := range map[template.Language]string{template.Korean: c.korean, template.English: c.english} {
			m, err := texts.Message(c.channel, c.purpose, "to", language, c.values)
			if err != nil {
				t.Errorf("%s in %s: %v", name, language, err)
				continue
			}
			if m.Channel != c.channel || m.Purpose != c.purpose || m.To != "to" || !strings.HasPrefix(m.Text, begins) || strings.ContainsAny(m.Text, "{}<>") {
				t.Errorf("%s in %s is %+v", name, language, m)
			}
			hasTitle, hasHTML := c.channel == entmessage.ChannelEmail || c.channel == entmessage.ChannelPush, c.channel == entmessage.ChannelEmail
			if (m.Title != "") != hasTitle || (m.HTML != "") != hasHTML || strings.Contains(m.Title, "\n") {
				t.Errorf("%s in %s has the title %q and the page %q", name, language, m.Title, m.HTML)
			}
		}
	}
	files, err := fs.Glob(os.DirFS("texts"), "*.tmpl")
	if err != nil || len(files) != 2*len(tried) {
		t.Errorf("%d files, %d purposes tried, %v", len(files), len(tried), err)
	}
}

// TestCodesFitIntoOneSMS: 160 characters of the GSM alphabet, or 90 bytes where a letter of
// Hangul takes two, as carriers of Korea count.
func TestCodesFitIntoOneSMS(t *testing.T) {
	t.Parallel()
	texts := load(t)
	for _, purpose := range []entmessage.Purpose{
		entmessage.PurposePhoneCode, entmessage.PurposeSignUpCode, entmessage.PurposeRecoveryCode, entmessage.PurposeChangePhoneCode,
	} {
		values := template.Values{template.Code: "123456", template.Minutes: "3"}
		english, err := texts.Message(entmessage.ChannelSms, purpose, "to", template.English, values)
		if err != nil || len(english.Text) > 160 || !strings.HasSuffix(english.Text, "for you alone: give it to nobody.") {
			t.Errorf("%d characters: %s %v", len(english.Text), english.Text, err)
		}
		korean, err := texts.Message(entmessage.ChannelSms, purpose, "to", template.Korean, values)
		size := 0
		for _, r := range korean.Text {
			size++
			if r > 127 {
				size++
			}
		}
		if err != nil || size > 90 || !strings.HasSuffix(korean.Text, "누구에게도 알려 주지 마세요.") {
			t.Errorf("%d bytes: %s %v", size, korean.Text, err)
		}
	}
}

func TestPagesAreEscaped(t *testing.T) {
	t.Parallel()
	m, err := load(t).Message(entmessage.ChannelEmail, entmessage.PurposePasswordReset, "to", template.English, template.Values{
		template.Link: "https://lux.example/reset-password?token=a&b=<c>", template.Minutes: `<script>"30"`,
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(m.HTML, "<script>") || strings.Contains(m.HTML, "<c>") || !strings.Contains(m.HTML, "&lt;script&gt;") {
		t.Errorf("the page is %s", m.HTML)
	}
	if !strings.Contains(m.HTML, `<a href="https://lux.example/reset-password?token=a&amp;b=%3cc%3e">`) || !strings.Contains(m.HTML, `<html lang="en">`) {
		t.Errorf("the page is %s", m.HTML)
	}
}

// TestAMissingValueIsAnError that repeats no value.
func TestAMissingValueIsAnError(t *testing.T) {
	t.Parallel()
	texts := load(t)
	for name, c := range map[string]struct {
		purpose entmessage.Purpose
		values  template.Values
	}{
		"no code":            {entmessage.PurposeSignUpCode, template.Values{template.Minutes: "777"}},
		"an empty one":       {entmessage.PurposeSignUpCode, template.Values{template.Code: "", template.Minutes: "777"}},
		"no values":          {entmessage.PurposeNewSignIn, nil},
		"no provider":        {entmessage.PurposeAccountReport, template.Values{template.Change: string(template.ProviderLinked), template.Advice: string(template.AdviseReset), template.At: "777"}},
		"an unknown phrase":  {entmessage.PurposeAccountReport, template.Values{template.Change: "777", template.Advice: string(template.AdviseReset), template.At: "777"}},
		"an unknown purpose": {"777x", nil},
	} {
		if m, err := texts.Message(entmessage.ChannelSms, c.purpose, "to", template.Korean, c.values); err == nil || m.Text != "" || strings.Contains(err.Error(), `"777"`) && name != "an unknown phrase" {
			t.Errorf("%s: %q %v", name, m.Text, err)
		}
	}
}

// TestWrongTextsFailAtStart: the program does not start with a text that is missing, that says
// less than it must, or that asks for what nobody gives.
func TestWrongTextsFailAtStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, content, want string }{
		"a text is missing":          {"texts/test.ko.tmpl", "", "test.ko.tmpl"},
		"the page is missing":        {"page.html.tmpl", "", "page.html.tmpl"},
		"it does not parse":          {"texts/test.en.tmpl", `{{define "text"}}{{.`, "test.en.tmpl"},
		"it has no code":             {"texts/sign_up_code.ko.tmpl", `{{define "text"}}{{.minutes}}{{end}}`, "sign_up_code.ko.tmpl: it does not say {{.code}}"},
		"it asks for another value":  {"texts/sign_up_code.en.tmpl", `{{define "text"}}{{.code}} {{.minutes}} {{.name}}{{end}}`, "sign_up_code.en.tmpl"},
		"it says nothing":            {"texts/impedance_alert.en.tmpl", `{{define "text"}} {{end}}`, "impedance_alert.en.tmpl"},
		"it has no title":            {"texts/test.en.tmpl", `{{define "text"}}Test{{end}}`, `test.en.tmpl: it does not define "title"`},
		"a report has no phrase":     {"texts/account_report.ko.tmpl", `{{define "title"}}x{{end}}{{define "text"}}{{.change}}{{.at}}{{.advice}}{{end}}`, "account_report.ko.tmpl"},
		"a title asks for something": {"texts/test.en.tmpl", `{{define "title"}}{{.code}}{{end}}{{define "text"}}Test{{end}}`, "test.en.tmpl"},
	} {
		files := copyOfTexts(t)
		if c.content == "" {
			delete(files, c.file)
		} else {
			files[c.file] = &fstest.MapFile{Data: []byte(c.content)}
		}
		if _, err := template.Load(files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := template.Load(copyOfTexts(t)); err != nil {
		t.Error(err)
	}
}

func copyOfTexts(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, pattern := range []string{"texts/*.tmpl", "*.tmpl"} {
		names, err := fs.Glob(os.DirFS("."), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: content}
		}
	}
	return files
}

func TestLanguageOf(t *testing.T) {
	t.Parallel()
	pointer := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		country, phone *string
		want           template.Language
	}{
		"a Korean account":             {pointer("KR"), pointer("+4915112345678"), template.Korean},
		"an account abroad":            {pointer("DE"), pointer("+821012345678"), template.English},
		"a Korean phone":               {nil, pointer("+821012345678"), template.Korean},
		"a phone abroad":               {nil, pointer("+4915112345678"), template.English},
		"nothing is known":             {nil, nil, template.English},
		"what is no phone":             {nil, pointer("010"), template.English},
		"an account of another Korea":  {pointer("KP"), nil, template.English},
		"a phone that no country has":  {nil, pointer("+881612345678"), template.English},
		"a phone of the United States": {nil, pointer("+14155552671"), template.English},
	} {
		if got := template.LanguageOf(c.country, c.phone); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestTheManualHasTheApprovedText: Kakao delivers no Alimtalk that differs from its template.
func TestTheManualHasTheApprovedText(t *testing.T) {
	t.Parallel()
	m, err := load(t).Message(entmessage.ChannelAlimtalk, entmessage.PurposeImpedanceAlert, "to", template.Korean, nil)
	if err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile("../../../docs/operating.md")
	if err != nil || !strings.Contains(string(manual), "\n"+m.Text+"\n") {
		t.Errorf("docs/operating.md has not %q, %v", m.Text, err)
	}
}
