package apptest

import (
	"fmt"
	"testing"
)

// Child is a child with its device.
type Child struct {
	ID, DeviceID int
	UniqueID     string
}

// CreateChildDocument is what CreateChild sends.
const CreateChildDocument = `mutation($input: CreateChildUserInput!) { createChildUser(input: $input) { childUser { id device { id } } } }`

// CreateChild adds a device to the catalogue, and creates a child of the account
// with it, as an app does.
func (s *Server) CreateChild(t testing.TB, token string) Child {
	t.Helper()
	n := s.devices.Add(1) - 1
	serial, mac, uniqueID := fmt.Sprintf("SL%08d", n), fmt.Sprintf("00:80:E1:27:%02X:%02X", n>>8, n&0xff), fmt.Sprint("unique", n)
	s.AddDevices(t, serial+","+mac)
	var data struct {
		CreateChildUser struct {
			ChildUser struct {
				ID     int `json:",string"`
				Device struct {
					ID int `json:",string"`
				}
			}
		}
	}
	s.Data(t, token, CreateChildDocument,
		map[string]any{"input": map[string]any{
			"firstName": "test", "lastName": "", "birthdate": "1997-01-01", "gender": "FEMALE",
			"serialCode": serial, "macId": mac, "uniqueId": uniqueID,
		}}, &data)
	created := data.CreateChildUser.ChildUser
	return Child{created.ID, created.Device.ID, uniqueID}
}

// Family is an account with one child.
type Family struct {
	RootUserID int
	Token      string
	Child
}

// NewFamily signs up a parent and creates a child.
func (s *Server) NewFamily(t testing.TB) Family {
	t.Helper()
	token, id := s.Parent(t)
	return Family{id, token, s.CreateChild(t, token)}
}
