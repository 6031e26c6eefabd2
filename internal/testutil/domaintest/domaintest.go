// Package domaintest makes the rows from which the tests of children, devlogs and the
// feed start: an account, devices of the catalogue, a child with a device. It is for
// tests alone, and imports neither graph nor server, so that these tests build without
// them.
package domaintest

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/catalogue"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/feed"
	"luxbff/internal/pubsub"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/viewer"
)

// Kit is the domain of children, devlogs and the feed over one database, as the
// program puts it together. A second kit on the same database acts as another replica.
type Kit struct {
	Store     *store.Store
	Hub       *pubsub.Hub
	Catalogue *catalogue.Importer
	Children  *child.Service
	Feed      *feed.Service
	Devlogs   *devlog.Service
	Clock     *testutil.Clock
	devices   atomic.Int64
}

// New makes a kit over the database.
func New(db *store.Store) *Kit {
	k := &Kit{Store: db, Hub: pubsub.NewHub(pubsub.Feed), Clock: testutil.NewClock(time.Date(2025, 2, 21, 6, 48, 49, 0, time.UTC))}
	k.Catalogue = catalogue.New(catalogue.Config{Store: db, Clock: k.Clock.Now})
	k.Children = child.New(child.Config{Store: db, Hub: k.Hub, Clock: k.Clock.Now, Random: rand.Reader})
	k.Feed = feed.New(feed.Config{
		Store: db, Hub: k.Hub, Children: k.Children, Clock: k.Clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	k.Devlogs = devlog.New(devlog.Config{Store: db, Feed: k.Feed, Clock: k.Clock.Now})
	return k
}

// Parent makes an account.
func (k *Kit) Parent(t testing.TB) viewer.Viewer {
	t.Helper()
	var made *ent.User
	err := k.Store.Write(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
		made, err = tx.User.Create().SetRegisterType(vocab.RegisteredByEmail).SetCreatedAt(k.Clock.Now()).Save(ctx)
		return err
	})
	if err != nil {
		t.Fatalf("make an account: %v", err)
	}
	return viewer.Viewer{User: made}
}

// Device puts a new device into the catalogue and names it as an app does.
func (k *Kit) Device(t testing.TB) child.DeviceParams {
	t.Helper()
	n := k.devices.Add(1)
	serial, unique := fmt.Sprintf("SL%08d", n), fmt.Sprintf("unique-%d", n)
	mac := fmt.Sprintf("00:80:E1:%02X:%02X:%02X", n>>16&0xff, n>>8&0xff, n&0xff)
	err := k.Store.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.Device.Create().SetSerialCode(serial).SetMACID(mac).
			SetProjectID(1).SetHardwareID(2).SetNowFirmwareID(3).SetFirmwareVersion("1.0.0").
			SetCreatedAt(k.Clock.Now()).Exec(ctx)
	})
	if err != nil {
		t.Fatalf("put a device into the catalogue: %v", err)
	}
	return child.DeviceParams{SerialCode: serial, MacID: mac, UniqueID: &unique}
}

// Child makes a child with a new device.
func (k *Kit) Child(t testing.TB, of viewer.Viewer) *ent.ChildUser {
	t.Helper()
	made, err := k.Children.Create(context.Background(), of, k.Params(t))
	if err != nil {
		t.Fatalf("make a child: %v", err)
	}
	return made
}

// Params describe a child with a new device.
func (k *Kit) Params(t testing.TB) child.CreateParams {
	t.Helper()
	return child.CreateParams{
		FirstName: "test", Birthdate: "1997-01-01", Gender: vocab.Female, DeviceParams: k.Device(t),
	}
}
