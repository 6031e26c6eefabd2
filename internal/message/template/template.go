// Package template holds the texts of messages, in Korean and English, one file for each
// purpose and language below texts/. All are parsed and tried when the program starts, so a
// text that lacks or misspells a value never waits for the request that needs it. It imports
// internal/message and internal/text; it must not import the domain, which decides when
// something is said.
package template

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/text"
)

//go:embed texts/*.tmpl page.html.tmpl
var embedded embed.FS

// Language is one that there are texts in, by its code of ISO 639-1.
type Language string

// The languages of the texts.
const (
	Korean  Language = "ko"
	English Language = "en"
)

func languages() []Language { return []Language{Korean, English} }

// LanguageOf chooses by the country of an account, and where that is not known by the
// country of its phone, in E.164. Either may be nil. Whoever is not in Korea reads English.
func LanguageOf(nationalCode, phone *string) Language {
	country := ""
	switch {
	case nationalCode != nil:
		country = *nationalCode
	case phone != nil:
		country = text.PhoneCountry(*phone)
	}
	if country == "KR" {
		return Korean
	}
	return English
}

// Values are what a text is filled with, by the name that it has in the file.
type Values map[string]string

// Moment is how texts say when something has happened, for [At].
func Moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// The names of values. What a purpose needs, valuesOf says.
const (
	Code     = "code"     // of six digits
	Minutes  = "minutes"  // for how many a code or a link is good
	Hours    = "hours"    // the same for a link that takes an address back
	Link     = "link"     // an https address
	At       = "at"       // when something has happened, with its zone
	App      = "app"      // the name and version of an app, or ? for one that says nothing
	Change   = "change"   // a Phrase of an account report
	Advice   = "advice"   // a Phrase of an account report
	Provider = "provider" // the name of a social provider, for the phrases that say it
)

// Phrase names a part of an account report, which the file of each language defines.
type Phrase string

// What has happened to an account.
const (
	EmailChanged     Phrase = "email_changed"
	EmailReverted    Phrase = "email_reverted"
	PhoneChanged     Phrase = "phone_changed"
	PasswordChanged  Phrase = "password_changed"
	PasswordReset    Phrase = "password_reset"
	LocalIDAdded     Phrase = "local_id_added"
	ProviderLinked   Phrase = "provider_linked"
	ProviderUnlinked Phrase = "provider_unlinked"
	AccountDeleted   Phrase = "account_deleted"
)

// What its owner can do about it.
const (
	AdviseReset         Phrase = "advise_reset"
	AdviseAfterDeletion Phrase = "advise_after_deletion"
	AdviseSupport       Phrase = "advise_support"
	// AdviseRevert needs Link and Hours.
	AdviseRevert Phrase = "advise_revert"
)

// phrases are those of account reports, with what each needs.
func phrases() map[Phrase][]string {
	return map[Phrase][]string{
		EmailChanged: nil, EmailReverted: nil, PhoneChanged: nil, PasswordChanged: nil, PasswordReset: nil,
		LocalIDAdded: nil, ProviderLinked: {Provider}, ProviderUnlinked: {Provider}, AccountDeleted: nil,
		AdviseReset: nil, AdviseAfterDeletion: nil, AdviseSupport: nil, AdviseRevert: {Link, Hours},
	}
}

// valuesOf gives what the text of each purpose says, all of which it must say.
func valuesOf() map[entmessage.Purpose][]string {
	code := []string{Code, Minutes}
	return map[entmessage.Purpose][]string{
		entmessage.PurposePhoneCode:       code,
		entmessage.PurposeSignUpCode:      code,
		entmessage.PurposeRecoveryCode:    code,
		entmessage.PurposeChangePhoneCode: code,
		entmessage.PurposeEmailCode:       code,
		entmessage.PurposePasswordReset:   {Link, Minutes},
		entmessage.PurposeAccountReport:   {Change, At, Advice},
		entmessage.PurposeImpedanceAlert:  nil,
		entmessage.PurposeFaultyContacts:  nil,
		entmessage.PurposeNewSignIn:       {App, At},
		entmessage.PurposeTest:            nil,
	}
}

// isTitled reports whether a purpose is sent by e-mail or push, which show a title.
func isTitled(purpose entmessage.Purpose) bool {
	switch purpose {
	case entmessage.PurposeEmailCode, entmessage.PurposePasswordReset, entmessage.PurposeAccountReport,
		entmessage.PurposeFaultyContacts, entmessage.PurposeNewSignIn, entmessage.PurposeTest:
		return true
	}
	return false
}

// Texts are the parsed texts. They never change, so any number of goroutines may use them.
type Texts struct {
	files map[key]*template.Template
	page  *htmltemplate.Template
}

type key struct {
	purpose  entmessage.Purpose
	language Language
}

// New parses the texts that are built into the program.
func New() (*Texts, error) { return Load(embedded) }

// Load parses the texts of files and tries each of them. The error names each file that is
// missing, that lacks a value which its purpose needs, or that asks for another one.
func Load(files fs.FS) (*Texts, error) {
	page, err := htmltemplate.ParseFS(files, "page.html.tmpl")
	if err != nil {
		return nil, fmt.Errorf("texts of messages: %w", err)
	}
	t := &Texts{files: map[key]*template.Template{}, page: page}
	var wrong []error
	purposes := valuesOf()
	for _, purpose := range slices.Sorted(maps.Keys(purposes)) {
		for _, language := range languages() {
			name := fmt.Sprintf("texts/%s.%s.tmpl", purpose, language)
			parsed, err := template.New("").Option("missingkey=error").ParseFS(files, name)
			if err == nil {
				t.files[key{purpose, language}] = parsed
				err = t.try(purpose, language)
			}
			if err != nil {
				wrong = append(wrong, fmt.Errorf("texts of messages: %s: %w", name, err))
			}
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return t, nil
}

// try renders a text with a sample of each value and looks for the samples in it.
func (t *Texts) try(purpose entmessage.Purpose, language Language) error {
	if purpose == entmessage.PurposeAccountReport {
		for _, phrase := range slices.Sorted(maps.Keys(phrases())) {
			needs := phrases()[phrase]
			got, err := t.execute(key{purpose, language}, string(phrase), samples(needs))
			if err == nil {
				err = contains(got, needs)
			}
			if err != nil {
				return err
			}
		}
	}
	needs := valuesOf()[purpose]
	got, err := t.execute(key{purpose, language}, "text", samples(needs))
	if err == nil {
		err = contains(got, needs)
	}
	if err == nil && isTitled(purpose) {
		_, err = t.execute(key{purpose, language}, "title", nil)
	}
	return err
}

func sample(name string) string { return "[" + name + "]" }

func samples(needs []string) Values {
	values := Values{}
	for _, name := range needs {
		values[name] = sample(name)
	}
	return values
}

func contains(got string, needs []string) error {
	for _, name := range needs {
		if !strings.Contains(got, sample(name)) {
			return fmt.Errorf("it does not say {{.%s}}", name)
		}
	}
	return nil
}

// execute renders one definition of a file, which must say something.
func (t *Texts) execute(of key, definition string, values Values) (string, error) {
	file := t.files[of]
	if file == nil || file.Lookup(definition) == nil {
		return "", fmt.Errorf("it does not define %q", definition)
	}
	var out strings.Builder
	if err := file.ExecuteTemplate(&out, definition, values); err != nil {
		return "", apperr.Text(fmt.Sprintf("%q needs another value than those it gets", definition))
	}
	if strings.TrimSpace(out.String()) == "" {
		return "", fmt.Errorf("%q says nothing", definition)
	}
	return out.String(), nil
}

// Message makes a message with the text of a purpose: with a title for e-mail and push, and
// for e-mail with the HTML part. The caller says whose it is and when it expires. A value
// that the purpose needs and does not get is an error, which repeats no value.
func (t *Texts) Message(
	channel entmessage.Channel, purpose entmessage.Purpose, to string, language Language, values Values,
) (message.Message, error) {
	m := message.Message{Channel: channel, Purpose: purpose, To: to}
	if purpose == entmessage.PurposeFaultyContacts || purpose == entmessage.PurposeNewSignIn {
		m.Beyond = message.DropBeyond // nobody asks for it, and what causes it must go on
	}
	of := key{purpose, language}
	filled := maps.Clone(values)
	for _, name := range []string{Change, Advice} {
		if phrase, ok := values[name]; ok {
			said, err := t.execute(of, phrase, values)
			if err != nil {
				return message.Message{}, t.failed(of, err)
			}
			filled[name] = said
		}
	}
	for _, name := range valuesOf()[purpose] {
		if filled[name] == "" {
			return message.Message{}, t.failed(of, fmt.Errorf("it gets no {{.%s}}", name))
		}
	}
	var err error
	if m.Text, err = t.execute(of, "text", filled); err != nil {
		return message.Message{}, t.failed(of, err)
	}
	if channel != entmessage.ChannelEmail && channel != entmessage.ChannelPush {
		return m, nil
	}
	if m.Title, err = t.execute(of, "title", filled); err != nil {
		return message.Message{}, t.failed(of, err)
	}
	if channel == entmessage.ChannelEmail {
		m.HTML, err = t.html(language, m.Title, m.Text)
	}
	return m, err
}

func (t *Texts) failed(of key, err error) error {
	return fmt.Errorf("text of %s in %s: %w", of.purpose, of.language, err)
}

// part is a piece of a paragraph.
type part struct {
	Text   string
	IsLink bool
}

var linkPattern = regexp.MustCompile(`https?://[^\s]+`)

// html is the text as a page, in which links can be followed.
func (t *Texts) html(language Language, title, plain string) (string, error) {
	var paragraphs [][]part
	for paragraph := range strings.SplitSeq(plain, "\n\n") {
		var parts []part
		end := 0
		for _, at := range linkPattern.FindAllStringIndex(paragraph, -1) {
			parts = append(parts, part{Text: paragraph[end:at[0]]}, part{Text: paragraph[at[0]:at[1]], IsLink: true})
			end = at[1]
		}
		paragraphs = append(paragraphs, append(parts, part{Text: paragraph[end:]}))
	}
	var out bytes.Buffer
	err := t.page.Execute(&out, struct {
		Language   Language
		Title      string
		Paragraphs [][]part
	}{language, title, paragraphs})
	if err != nil {
		return "", apperr.Text("the page of an e-mail cannot be made")
	}
	return out.String(), nil
}
