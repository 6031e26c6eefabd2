// Command pocketbase is the same product on PocketBase as a library: accounts, children
// with a device, and logs are collections, and rules say who may read and write them. It
// makes its own rows in the folder that it is given, prints one line of JSON an account,
// and serves. The benchmarks of luxbff start it; nothing else uses it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
)

// account is what a phone of the account knows.
type account struct{ Token, Child, Device string }

func main() {
	folder := flag.String("data", "", "an empty folder")
	addr := flag.String("addr", "", "where to listen")
	accounts := flag.Int("accounts", 1, "how many accounts to make, each with two children")
	flag.Parse()
	if err := run(*folder, *addr, *accounts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder, addr string, accounts int) error {
	app := pocketbase.NewWithConfig(pocketbase.Config{DefaultDataDir: folder, HideStartBanner: true})
	if err := app.Bootstrap(); err != nil {
		return err
	}
	if err := app.RunAllMigrations(); err != nil {
		return err
	}
	var made []account
	err := app.RunInTransaction(func(tx core.App) (err error) {
		if err := makeCollections(tx); err != nil {
			return err
		}
		for i := range accounts {
			one, err := makeAccount(tx, i)
			if err != nil {
				return err
			}
			made = append(made, one)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := app.ReloadCachedCollections(); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, one := range made {
		if err := out.Encode(one); err != nil {
			return err
		}
	}
	return apis.Serve(app, apis.ServeConfig{HttpAddr: addr})
}

// makeCollections declares the same columns, indexes and rights as luxbff's tables have.
func makeCollections(app core.App) error {
	users, err := app.FindCollectionByNameOrId("users")
	if err != nil {
		return err
	}
	users.Fields.Add(&core.TextField{Name: "firstName"})
	if err := app.Save(users); err != nil {
		return err
	}

	devices := core.NewBaseCollection("devices")
	devices.Fields.Add(
		&core.TextField{Name: "uniqueId"}, &core.TextField{Name: "deviceAlias"}, &core.TextField{Name: "firmwareVersion"},
		&core.NumberField{Name: "lastLogFileId"}, &core.RelationField{Name: "root", CollectionId: users.Id, MaxSelect: 1},
	)
	devices.ViewRule = rule("root = @request.auth.id")
	if err := app.Save(devices); err != nil {
		return err
	}

	children := core.NewBaseCollection("children")
	children.Fields.Add(
		&core.TextField{Name: "firstName"}, &core.TextField{Name: "birthdate"}, &core.TextField{Name: "gender"},
		&core.RelationField{Name: "root", CollectionId: users.Id, MaxSelect: 1},
		&core.RelationField{Name: "device", CollectionId: devices.Id, MaxSelect: 1},
	)
	children.AddIndex("children_root", false, "root", "")
	children.ListRule = rule("root = @request.auth.id")
	children.ViewRule = rule("root = @request.auth.id")
	if err := app.Save(children); err != nil {
		return err
	}

	logs := core.NewBaseCollection("devlogs")
	logs.Fields.Add(
		&core.RelationField{Name: "child", CollectionId: children.Id, MaxSelect: 1},
		&core.RelationField{Name: "device", CollectionId: devices.Id, MaxSelect: 1},
		&core.TextField{Name: "treatmentDate"}, &core.TextField{Name: "finishFlag"},
		&core.NumberField{Name: "lastIntensity"}, &core.NumberField{Name: "treatmentTime"}, &core.NumberField{Name: "logFileId"},
		&core.AutodateField{Name: "created", OnCreate: true},
	)
	logs.AddIndex("devlogs_device", false, "device, logFileId", "")
	logs.CreateRule = rule("child.root = @request.auth.id && child.device = device")
	return app.Save(logs)
}

func rule(text string) *string { return &text }

func makeAccount(app core.App, n int) (made account, err error) {
	user, err := makeRecord(app, "users", map[string]any{
		"email": fmt.Sprintf("parent%d@example.com", n), "password": "secret12345", "firstName": "james", "verified": true,
	})
	if err != nil {
		return made, err
	}
	if made.Token, err = user.NewAuthToken(); err != nil {
		return made, err
	}
	for i := range 2 {
		device, err := makeRecord(app, "devices", map[string]any{
			"uniqueId": fmt.Sprintf("unique%d-%d", n, i), "deviceAlias": "LUX", "firmwareVersion": "1.0.0", "root": user.Id,
		})
		if err != nil {
			return made, err
		}
		child, err := makeRecord(app, "children", map[string]any{
			"firstName": "test", "birthdate": "1997-01-01", "gender": "FEMALE", "root": user.Id, "device": device.Id,
		})
		if err != nil {
			return made, err
		}
		made.Child, made.Device = child.Id, device.Id
	}
	return made, nil
}

func makeRecord(app core.App, collection string, values map[string]any) (*core.Record, error) {
	found, err := app.FindCollectionByNameOrId(collection)
	if err != nil {
		return nil, err
	}
	record := core.NewRecord(found)
	for name, value := range values {
		record.Set(name, value)
	}
	return record, app.Save(record)
}
