package contract_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"luxbff/internal/auth/token"
	"luxbff/internal/store"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/storetest"
	"luxbff/server/app"
)

func (r *run) commands(text string) {
	for _, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if word == "with" {
			r.with(rest)
			continue
		}
		r.command(word, r.expand(rest))
	}
}

func (r *run) command(word, rest string) {
	switch word {
	case "set":
		r.set(rest)
	case "clock":
		r.clock(rest)
	case "wait":
		r.wait(rest)
	case "catalogue":
		r.catalogue(rest)
	case "parent":
		r.parent(rest)
	case "child":
		r.child(rest)
	case "signin":
		r.signIn(rest)
	case "code":
		r.code(rest)
	case "call":
		r.call(rest)
	case "local":
		r.local(rest)
	case "facebook":
		r.facebook(rest)
	case "forge":
		r.forge(rest)
	case "sql":
		r.sql(rest)
	case "refuse":
		r.refuse(rest)
	case "restart":
		r.restart(rest)
	case "fail":
		r.fail()
	case "let":
		name, value, _ := strings.Cut(rest, " ")
		r.values[name] = value
	case "mask":
		r.masks = strings.Fields(rest)
	case "differs":
		r.differs = strings.Fields(rest)
	case "repair":
		r.repair = true
	case "bytes":
		r.bytes = true
	default:
		r.Fatalf("there is no command %q", word)
	}
}

var reference = regexp.MustCompile(`\$\{([^}]+)\}`)

func (r *run) expand(text string) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		value, ok := r.values[found[2:len(found)-1]]
		if !ok {
			r.Fatalf("%s has no value", found)
		}
		return value
	})
}

func (r *run) with(rest string) {
	from, to, ok := strings.Cut(rest, " =>")
	if !ok {
		r.Fatalf("with %s: no `OLD => NEW`", rest)
	}
	r.swaps = append(r.swaps, [2]string{from, strings.TrimPrefix(to, " ")})
}

// set changes a setting before the program starts.
func (r *run) set(rest string) {
	name, value, _ := strings.Cut(rest, " ")
	r.settings = append(r.settings, func(c *app.Config) {
		settings := reflect.ValueOf(c).Elem()
		for i := range settings.NumField() {
			if settings.Type().Field(i).Tag.Get("env") != name {
				continue
			}
			if n, err := strconv.Atoi(value); err == nil {
				settings.Field(i).SetInt(int64(n))
			} else {
				settings.Field(i).SetString(value)
			}
			return
		}
		r.Fatalf("there is no setting %s", name)
	})
}

func (r *run) server() *apptest.Server {
	if r.program == nil {
		url := storetest.URL(r.T)
		r.settings = append(r.settings, func(c *app.Config) { c.DatabaseURL = url })
		r.program = apptest.Start(r.T, r.settings...)
		r.program.WatchLog(r.T)
	}
	return r.program
}

// restart starts the program again, with a setting changed, at the same time of
// the clock.
func (r *run) restart(rest string) {
	now := r.server().Clock.Now()
	if rest != "" {
		r.set(rest)
	}
	r.program = apptest.StartAt(r.T, now, r.settings...)
	r.program.WatchLog(r.T)
}

func (r *run) clock(rest string) {
	at, err := time.Parse(time.RFC3339, rest)
	if err != nil {
		r.Fatal(err)
	}
	c := r.server().Clock
	c.Add(at.Sub(c.Now()))
}

func (r *run) wait(rest string) {
	d, err := time.ParseDuration(rest)
	if err != nil {
		r.Fatal(err)
	}
	r.server().Clock.Add(d)
}

func (r *run) catalogue(rest string) {
	fields := append(strings.Split(rest, ","), "")
	file := "serial_code,mac,project_id,hardware_id,firmware_id,firmware_version,unique_id\n" +
		fields[0] + "," + fields[1] + ",1,1,1,1.0.0," + fields[2] + "\n"
	if _, err := r.server().App.Catalogue.Import(context.Background(), strings.NewReader(file)); err != nil {
		r.Fatal(err)
	}
}

// parent signs up an account with the data of the pages.
func (r *run) parent(name string) {
	if name == "" {
		name = "parent"
	}
	phone := fmt.Sprintf("+821012345%03d", 678+r.parents)
	r.parents++
	r.values[name+".phone"], r.values[name+".email"] = phone, name+"@example.com"
	r.onLUX(fmt.Sprintf(`sms as nobody: POST /auth/send-sms-auth {"phone": %q}`, phone))
	r.code("sms.code " + phone)
	r.onLUX(fmt.Sprintf(`valid as nobody: POST /auth/phone-number-validation {"phone": %q, "validnum": %q}`,
		phone, r.values["sms.code"]))
	r.values["signup.access_token"] = r.values["valid.valid_token"]
	r.onLUX(fmt.Sprintf(`%s as signup: POST /auth/email/signup {"email": %q, "password": "secret123", "first_name": "test",
		"last_name": "kim", "birthdate": %q, "gender": "M", "phone": %q, "register_type": "E",
		"is_push_agree": false, "is_marketing_agree": false, "national_code": "KR"}`,
		name, name+"@example.com", cmp.Or(r.birthdate, "20240722"), phone))
}

func (r *run) signIn(name string) {
	r.onLUX(fmt.Sprintf(`%s as nobody: POST /auth/email/signin {"username": %q, "password": "secret123"}`,
		name, r.values[name+".email"]))
}

func (r *run) child(rest string) {
	words := strings.Fields(rest)
	parent := "parent"
	if len(words) == 6 {
		parent = words[5]
	}
	r.onLUX(fmt.Sprintf(`%s as %s: POST /user/create-real-user {"first_name": "test", "last_name": "kim",
		"birthdate": %q, "gender": "F", "serial_code": %q, "mac_id": %q, "unique_id": %q}`,
		words[0], parent, cmp.Or(r.birthdate, "20200101"), words[1], words[2], words[3]))
}

func (r *run) code(rest string) {
	name, address, _ := strings.Cut(rest, " ")
	r.values[name] = r.server().LastCode(r.T, address)
}

// call sends the request of NAME [as WHO]: METHOD PATH [BODY].
func (r *run) call(rest string) { r.callAt(rest, r.variant.path) }

// onLUX is a call to LUX, whatever the variant.
func (r *run) onLUX(rest string) {
	r.callAt(rest, func(path string) string { return apptest.LUX + path })
}

func (r *run) callAt(rest string, path func(string) string) {
	head, line, ok := strings.Cut(rest, ": ")
	name, caller, named := strings.Cut(head, " as ")
	if !named {
		caller = "parent"
	}
	parts := append(strings.SplitN(line, " ", 3), "")
	if !ok || len(parts) < 3 {
		r.Fatalf("call %s: no `NAME: METHOD PATH`", rest)
	}
	response := r.server().Call(r.T, parts[0], path(parts[1]), r.values[caller+".access_token"], parts[2])
	if response.Status != http.StatusOK && response.Status != http.StatusCreated {
		r.Fatalf("call %s: %d %s", rest, response.Status, response.Body)
	}
	r.setMembers(name, response.JSON(r.T))
}

// setMembers gives the members of a response names.
func (r *run) setMembers(name string, response any) {
	object, _ := response.(map[string]any)
	for key, value := range object {
		text, ok := value.(string)
		if !ok {
			raw, err := json.Marshal(value)
			if err != nil {
				r.Fatal(err)
			}
			text = string(raw)
		}
		r.values[name+"."+key] = text
		if key == "token" { // SNUTT's name for it
			r.values[name+".access_token"] = text
		}
	}
}

// local signs up an account on SNUTT with the id NAME1234.
func (r *run) local(name string) {
	r.call(fmt.Sprintf(`%s as nobody: POST /auth/register_local {"id": "%s1234", "password": "abcd1234"}`, name, name))
}

// facebook lets a stand-in for Facebook know a token, and the id and name of its owner.
func (r *run) facebook(rest string) {
	if r.people == nil {
		r.people = map[string]map[string]string{}
		standIn := httptest.NewServer(http.HandlerFunc(r.graphAPI))
		r.Cleanup(standIn.Close)
		if r.program != nil {
			r.Fatal("the program started without the stand-in for Facebook")
		}
		r.set("FACEBOOK_GRAPH_URL " + standIn.URL)
	}
	words := strings.SplitN(rest, " ", 3)
	r.people[words[0]] = map[string]string{"id": words[1], "name": words[2]}
}

func (r *run) graphAPI(w http.ResponseWriter, asked *http.Request) {
	person, known := r.people[asked.URL.Query().Get("access_token")]
	if !known || asked.URL.Path != "/me" {
		http.Error(w, `{"error": {"type": "OAuthException"}}`, http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(person)
}

// forge signs a token for any account with the keys of the program.
func (r *run) forge(rest string) {
	words := strings.Fields(rest)
	id, err := strconv.Atoi(words[2])
	if err != nil {
		r.Fatal(err)
	}
	now := r.server().Clock.Now()
	claims := token.Claims{Use: token.Use(words[1]), RootUserID: id, IssuedAt: now}
	if claims.Use == token.Long {
		claims.IssuedAt = time.Time{}
		claims.CredentialVersion = 1
	} else {
		claims.SessionID, claims.ExpiresAt = 1, now.Add(time.Hour)
	}
	if r.values[words[0]+".access_token"], err = token.DevelopmentKeys().Sign(claims); err != nil {
		r.Fatal(err)
	}
}

func (r *run) sql(statement string) {
	err := r.server().App.Store.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, statement)
		return err
	})
	if err != nil {
		r.Fatalf("%s: %v", statement, err)
	}
}

// refuse makes the database refuse one kind of statement on a table: INSERT or
// UPDATE or DELETE, and the table's name.
func (r *run) refuse(rest string) {
	verb, table, _ := strings.Cut(rest, " ")
	if !strings.HasPrefix(r.server().App.Config.DatabaseURL, "postgres") {
		r.sql(fmt.Sprintf(`CREATE TRIGGER refuse BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, 'refused'); END`, verb, table))
		return
	}
	r.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$`)
	r.sql(fmt.Sprintf(`CREATE TRIGGER refuse BEFORE %s ON %s FOR EACH ROW EXECUTE FUNCTION refuse()`, verb, table))
}

// fail closes the database under the running program.
func (r *run) fail() {
	if err := r.server().App.Store.Close(); err != nil {
		r.Fatal(err)
	}
}
