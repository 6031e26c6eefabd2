// Package demo fills an empty development database, so that a first look at the
// program finds something: a small catalogue of devices, and a family of two
// children, two devices and a week of logs. It calls the domain as an app would,
// codes by SMS included, and must import no package of a surface.
package demo

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"time"

	"luxbff/ent"
	"luxbff/ent/identity"
	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/auth"
	"luxbff/internal/catalogue"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/message"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// How the parent of the demo family signs in.
const (
	Email    = "demo@luxbff.example"
	Password = "demo1234"
	phone    = "+821012345670"
)

//go:embed catalogue.csv
var devices []byte

// Services is the domain that the demo calls.
type Services struct {
	Store     *store.Store
	Auth      *auth.Service
	Accounts  *account.Service
	Catalogue *catalogue.Importer
	Children  *child.Service
	Devlogs   *devlog.Service
	Outbox    *message.Outbox
	Clock     func() time.Time
}

// Load makes what is not there yet and gives the demo's parent. It looks whether the
// family is there and does not sign in: that hashed the password at every start, 30 ms of
// a core and 19 MiB, and left a session behind.
func Load(ctx context.Context, s Services) (*ent.User, error) {
	if _, err := s.Catalogue.Import(ctx, bytes.NewReader(devices)); err != nil {
		return nil, fmt.Errorf("load the demo catalogue: %w", err)
	}
	parent, err := s.Auth.Identities.Find(ctx, s.Store.Read(), identity.ProviderEmail, Email)
	if err != nil {
		return nil, fmt.Errorf("find the demo account: %w", err)
	}
	if parent != nil {
		return parent.Edges.RootUser, nil
	}
	user, err := signUp(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("sign up the demo account: %w", err)
	}
	if err := addFamily(ctx, s, viewer.Viewer{User: user}); err != nil {
		return nil, fmt.Errorf("make the demo family: %w", err)
	}
	return user, nil
}

var sixDigits = regexp.MustCompile(`\d{6}`)

func signUp(ctx context.Context, s Services) (*ent.User, error) {
	if err := s.Auth.Codes.SendSMS(ctx, auth.SendSMSParams{Phone: phone}); err != nil {
		return nil, err
	}
	// In development the outbox keeps what it sent, as GET /dev/outbox shows.
	sent, err := s.Outbox.Recent(ctx, phone, 1)
	if err != nil {
		return nil, err
	}
	if len(sent) == 0 {
		return nil, errors.New("no code in the outbox")
	}
	validToken, err := s.Auth.Codes.VerifySMS(ctx, auth.VerifySMSParams{
		Phone: phone, Code: sixDigits.FindString(sent[0].Text),
	})
	if err != nil {
		return nil, err
	}
	done, err := s.Accounts.SignUps.ByEmail(ctx, account.SignUpParams{
		ValidToken: validToken, Email: Email, Password: Password,
		Person: account.Person{
			FirstName: "Demo", LastName: "Parent", Birthdate: "1990-05-17", Gender: vocab.Female,
			Phone: phone, NationalCode: "KR",
		},
	})
	if err != nil {
		return nil, err
	}
	return done.User, nil
}

// member is a child of the demo family and its device in the catalogue.
type member struct {
	firstName, serial, mac string
	birthdate              vocab.Date
	gender                 vocab.Gender
	// minutes is how long one use of the device lasts.
	minutes int
}

func family() []member {
	return []member{
		{"Mina", "DEMO000001", "00:80:E1:27:60:01", "2017-03-02", vocab.Female, 60},
		{"Jun", "DEMO000002", "00:80:E1:27:60:02", "2019-11-23", vocab.Male, 45},
	}
}

func addFamily(ctx context.Context, s Services, v viewer.Viewer) error {
	for _, m := range family() {
		made, err := s.Children.Create(ctx, v, child.CreateParams{
			FirstName: m.firstName, LastName: "Parent", Birthdate: m.birthdate, Gender: m.gender,
			DeviceParams: child.DeviceParams{SerialCode: m.serial, MacID: m.mac},
		})
		if err != nil {
			return err
		}
		alias := m.firstName + "'s LUX"
		if _, err := s.Children.UpdateDeviceAlias(ctx, v, made.ID, made.Edges.Device.ID, alias); err != nil {
			return err
		}
		if _, err := s.Devlogs.Upload(ctx, v, lastWeek(made, m.minutes, s.Clock())); err != nil {
			return err
		}
	}
	return nil
}

// lastWeek gives one use for each evening of the last seven days.
func lastWeek(of *ent.ChildUser, minutes int, now time.Time) []devlog.Record {
	const days = 7
	flag := vocab.NormalShutdown
	records := make([]devlog.Record, days)
	for i := range records {
		evening := now.AddDate(0, 0, i-days).Truncate(24 * time.Hour).Add(20*time.Hour + 30*time.Minute)
		file := i + 1
		records[i] = devlog.Record{
			ChildUserID: of.ID, DeviceID: of.Edges.Device.ID, UniqueID: *of.Edges.Device.UniqueID,
			TreatmentDate: vocab.LocalDateTime(evening.Format("2006-01-02T15:04:05")),
			FinishFlag:    &flag, LastIntensity: 10 + i, TreatmentTime: minutes * 60, LogFileID: &file,
		}
	}
	return records
}
